import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { IncidentView } from "@tocsin/contracts";
import { useEffect } from "react";
import { api } from "../api/client.ts";
import { incidentQuery, similarQuery, topologyQuery } from "../api/queries.ts";
import { whoAmI } from "../live/preferences.ts";
import { type IncidentEvents, useIncidentEvents } from "../live/use-live.ts";
import { Badge, SeverityMark } from "../parts/badges.tsx";
import { CopyButton } from "../parts/copy-button.tsx";
import { Decision } from "../parts/decision.tsx";
import { EventList } from "../parts/event-list.tsx";
import { Key } from "../parts/key.tsx";
import { Markdown } from "../parts/lazy.tsx";
import { Panel } from "../parts/panel.tsx";
import { Loading, Problem, Shown } from "../parts/states.tsx";
import { Lasting, TimesSwitch, When } from "../parts/when.tsx";
import { count, percent } from "../view/figures.ts";
import { safeHref } from "../view/links.ts";
import { Ask } from "./incident/ask.tsx";
import { CausalPicture } from "./incident/causal-picture.tsx";
import { EvidencePanel } from "./incident/evidence-panel.tsx";
import { Feedback } from "./incident/feedback.tsx";
import { Grouping } from "./incident/grouping.tsx";
import { Guidance } from "./incident/guidance.tsx";
import { Logs } from "./incident/logs.tsx";
import { Reasoning } from "./incident/reasoning.tsx";
import { Runs } from "./incident/runs.tsx";

const route = getRouteApi("/incidents/$id");

/** One incident: what it is, why, what is done about it, and everything in order of time. */
export function Incident() {
  const { id } = route.useParams();
  const query = useQuery(incidentQuery(id));
  const events = useIncidentEvents(id);
  return <Shown query={query}>{(incident) => <Full key={id} incident={incident} events={events} />}</Shown>;
}

function Full({ incident, events }: { incident: IncidentView; events: IncidentEvents }) {
  const topology = useQuery(topologyQuery);
  useEffect(() => {
    document.title = `${incident.title} · Tocsin`;
    return () => {
      document.title = "Tocsin";
    };
  }, [incident.title]);
  const [cause] = incident.verdict === "cause" ? incident.causes : [];
  const service = cause?.service ?? incident.service;
  return (
    <article className="incident">
      <Head incident={incident} />
      <Verdict incident={incident} />
      <div className="incident-columns">
        <div className="incident-main">
          <Runs incident={incident} />
          <Panel title="Reasoning" aside={<TimesSwitch />}>
            {events.problem !== undefined && <Problem error={events.problem} />}
            {!events.isComplete && events.events.length === 0 ? <Loading /> : <Reasoning incident={incident} events={events.events} />}
          </Panel>
          <Analysis incident={incident} />
        </div>
        <div className="incident-side">
          <Panel title="What hangs together" aside={<span className="quiet">{count(incident.members.length, "alert")}</span>}>
            <CausalPicture incident={incident} topology={topology.data} />
            <Grouping incident={incident} />
          </Panel>
          <Ask incident={incident} />
          <EvidencePanel incident={incident} />
          <Guidance id={incident.id} isOver={incident.state === "closed"} />
          {service !== undefined && <Logs service={service} startedAt={incident.startedAt} closedAt={incident.closedAt} />}
          <Similar id={incident.id} />
        </div>
      </div>
      <Timeline incident={incident} events={events} />
    </article>
  );
}

function Head({ incident }: { incident: IncidentView }) {
  const client = useQueryClient();
  const { id, state } = incident;
  const isOver = state === "closed";
  const refresh = () => client.invalidateQueries({ queryKey: ["incident", id] });
  const gitlab = safeHref(incident.links.gitlab);
  const services = [...new Set(incident.members.flatMap((member) => member.service ?? []))];
  return (
    <header className="incident-head">
      <div className="incident-title">
        <h1>
          <SeverityMark severity={incident.severity} /> {incident.title} <Badge state={state} />
        </h1>
        <p className="quiet">
          {services.length === 0 ? "" : `${count(services.length, "service")} affected: ${services.slice(0, 6).join(", ")} · `}
          began <When at={incident.startedAt} /> · {isOver ? "took" : "for"} <Lasting from={incident.startedAt} to={incident.closedAt} />
          {incident.acknowledgedBy !== undefined && ` · seen by ${incident.acknowledgedBy}`}
          {incident.mergedInto !== undefined && (
            <>
              {" · merged into "}
              <Link to="/incidents/$id" params={{ id: incident.mergedInto }}>
                another incident
              </Link>
            </>
          )}
        </p>
      </div>
      <div className="page-actions">
        {!isOver && incident.acknowledgedBy === undefined && (
          <button
            type="button"
            className="button"
            data-shortcut="a"
            onClick={() => void api.acknowledge(id, whoAmI()).then(refresh, refresh)}
          >
            Acknowledge <Key>a</Key>
          </button>
        )}
        {!isOver && state !== "escalated" && (
          <Decision
            label="Escalate"
            shortcut="e"
            title="Hand it to a person?"
            text="Tocsin stops working on it. What is running ends as it would."
            confirm="Escalate"
            reason="optional"
            act={(reason) => api.escalate(id, whoAmI(), reason).then(refresh)}
          />
        )}
        {!isOver && (
          <Decision
            label="Close"
            shortcut="c"
            title="Close this incident?"
            text="A closed incident never opens again; an alert that fires later opens a new one."
            confirm="Close it"
            reason="optional"
            act={(reason) => api.close(id, whoAmI(), reason).then(refresh)}
          />
        )}
        <Link to="/incidents/$id/replay" params={{ id }} className="button" data-shortcut="p">
          Replay <Key>p</Key>
        </Link>
        {gitlab !== undefined && (
          <a className="button" href={gitlab} rel="noopener noreferrer" target="_blank">
            GitLab
          </a>
        )}
      </div>
    </header>
  );
}

/** The answer in one sentence: what broke, how sure that is, or why there is no answer. */
function Verdict({ incident }: { incident: IncidentView }) {
  const [cause, ...others] = incident.causes;
  if (incident.verdict === "cause" && cause !== undefined)
    return (
      <section className="verdict" data-tone="cause" aria-label="Cause">
        <div className="verdict-main">
          <p className="verdict-kind">
            {cause.kind.replaceAll("-", " ")} in{" "}
            <Link to="/services/$id" params={{ id: cause.service }}>
              {cause.service}
            </Link>
          </p>
          <p>{cause.text}</p>
          {incident.escalation !== undefined && (
            <p className="escalation">
              <strong>Handed to a person:</strong> {incident.escalation}
            </p>
          )}
          {others.length > 0 && (
            <details>
              <summary>{count(others.length, "other cause")} considered</summary>
              <ul>
                {others.slice(0, 6).map((other) => (
                  <li key={`${other.service}:${other.kind}`}>
                    <strong>{other.service}</strong> ({other.kind.replaceAll("-", " ")}, {percent(other.confidence)}): {other.text}
                  </li>
                ))}
              </ul>
            </details>
          )}
        </div>
        <div className="verdict-side">
          <Sure confidence={cause.confidence} />
          <Feedback incident={incident} />
        </div>
      </section>
    );
  return (
    <section className="verdict" data-tone={incident.verdict} aria-label="Cause">
      <div className="verdict-main">
        <p className="verdict-kind">{incident.verdict === "inconclusive" ? "Inconclusive" : "Looking for the cause"}</p>
        <p>
          {incident.escalation ??
            incident.unsettled ??
            (incident.verdict === "inconclusive"
              ? "The evidence does not single out a cause, so nothing is done."
              : "Signals are being read; the reasoning below grows as it happens.")}
        </p>
        {incident.verdict === "inconclusive" && incident.causes.length > 0 && (
          <details>
            <summary>{count(incident.causes.length, "candidate")}</summary>
            <ul>
              {incident.causes.slice(0, 6).map((each) => (
                <li key={`${each.service}:${each.kind}`}>
                  <strong>{each.service}</strong> ({each.kind.replaceAll("-", " ")}, {percent(each.confidence)}): {each.text}
                </li>
              ))}
            </ul>
          </details>
        )}
        {(incident.missing ?? []).length > 0 && <p className="quiet">Did not answer: {incident.missing?.join("; ")}</p>}
      </div>
    </section>
  );
}

const Sure = ({ confidence }: { confidence: number }) => (
  <div className="sure">
    <meter min={0} max={1} value={confidence} aria-label="How sure" />
    <span>{percent(confidence)} sure</span>
  </div>
);

function Analysis({ incident }: { incident: IncidentView }) {
  if (incident.analysis === "") return null;
  return (
    <Panel title="Analysis" aside={<CopyButton text={incident.analysis} label="Copy as Markdown" />}>
      <Markdown text={incident.analysis} />
    </Panel>
  );
}

function Similar({ id }: { id: string }) {
  const similar = useQuery(similarQuery(id));
  return (
    <Panel title="Like this before">
      <Shown query={similar} lines={2}>
        {({ items, text }) => (
          <>
            <p className="quiet">{text.join(" ")}</p>
            <ul className="similar">
              {items.map(({ incident, similarity, reasons, helped }) => (
                <li key={incident.id}>
                  <Link to="/incidents/$id" params={{ id: incident.id }}>
                    {incident.title}
                  </Link>{" "}
                  <Badge state={incident.state} />
                  <p className="quiet">
                    <When at={incident.startedAt} /> · {Math.round(similarity * 100)} % alike · {reasons.join(", ")}
                    {helped !== undefined && ` · helped: ${helped}`}
                  </p>
                </li>
              ))}
            </ul>
          </>
        )}
      </Shown>
    </Panel>
  );
}

/** Everything, with a filter that lives in the address. */
function Timeline({ incident, events: { events, isComplete } }: { incident: IncidentView; events: IncidentEvents }) {
  const { find = "", only = "" } = route.useSearch();
  const navigate = route.useNavigate();
  const wanted = find.toLowerCase();
  const shown = events.filter(
    (item) => (only === "" || item.event === only) && (wanted === "" || `${item.kind} ${item.text}`.toLowerCase().includes(wanted)),
  );
  const change = (search: { find?: string; only?: string }) =>
    void navigate({ search: (before) => ({ ...before, ...search }), replace: true, resetScroll: false });
  return (
    <Panel
      title="Timeline"
      aside={
        <div className="filters">
          <select aria-label="Which events" value={only} onChange={(event) => change({ only: event.target.value })}>
            <option value="">All events</option>
            <option value="incident">Facts</option>
            <option value="thought">Thoughts</option>
            <option value="action">Actions</option>
          </select>
          <input
            type="search"
            placeholder="Find in the timeline"
            aria-label="Find in the timeline"
            value={find}
            onChange={(event) => change({ find: event.target.value })}
          />
        </div>
      }
    >
      <p className="quiet" role="status">
        {shown.length === events.length ? count(events.length, "event") : `${shown.length} of ${events.length} events`}
        {!isComplete && ", reading more"}
      </p>
      <EventList events={shown} label="Timeline" startMs={Date.parse(incident.startedAt)} />
    </Panel>
  );
}
