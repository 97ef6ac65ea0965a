import { Link } from "@tanstack/react-router";
import type { IncidentSummary } from "@tocsin/contracts";
import { count, percent } from "../view/figures.ts";
import { Badge, SeverityMark } from "./badges.tsx";
import { Lasting, When } from "./when.tsx";

/** One incident in a list. */
export const IncidentRow = ({ incident }: { incident: IncidentSummary }) => (
  <Link to="/incidents/$id" params={{ id: incident.id }} className="incident-row" data-row data-state={incident.state}>
    <SeverityMark severity={incident.severity} />
    <span className="incident-row-title">{incident.title}</span>
    <Badge state={incident.state} />
    <span className="incident-row-text">
      {incident.escalation ??
        (incident.cause !== undefined
          ? `${incident.cause.kind.replaceAll("-", " ")} in ${incident.cause.service}, ${percent(incident.cause.confidence)} sure`
          : incident.state === "closed" || incident.state === "resolved"
            ? "no cause was singled out"
            : "no cause yet")}
    </span>
    <span className="incident-row-facts">
      {count(incident.alertCount, "alert")} · <When at={incident.startedAt} /> ·{" "}
      <Lasting from={incident.startedAt} to={incident.closedAt} />
      {incident.acknowledgedBy !== undefined && ` · seen by ${incident.acknowledgedBy}`}
    </span>
  </Link>
);
