import { useQuery } from "@tanstack/react-query";
import type { IncidentView } from "@tocsin/contracts";
import { useState } from "react";
import { api } from "../../api/client.ts";
import { incidentsQuery, OPEN_STATES } from "../../api/queries.ts";
import { whoAmI } from "../../live/preferences.ts";
import { Badge } from "../../parts/badges.tsx";
import { Decision } from "../../parts/decision.tsx";
import { When } from "../../parts/when.tsx";

/** The alerts with the reasons why they are here, and how a person puts it right when they should not be. */
export function Grouping({ incident }: { incident: IncidentView }) {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [into, setInto] = useState("");
  const isOver = incident.state === "closed";
  const open = useQuery({ ...incidentsQuery({ state: OPEN_STATES, limit: 100 }), enabled: !isOver });
  const others = (open.data?.items ?? []).filter(({ id, scope }) => id !== incident.id && scope === incident.scope);
  const canSplit = !isOver && incident.members.length > 1;
  const toggle = (fingerprint: string) =>
    setChosen((before) => {
      const after = new Set(before);
      if (!after.delete(fingerprint)) after.add(fingerprint);
      return after;
    });
  return (
    <details className="grouping" open={incident.members.length <= 3}>
      <summary>Alerts and why they are here</summary>
      <ul className="members">
        {incident.members.slice(0, 200).map((member) => (
          <li key={member.fingerprint}>
            {canSplit && (
              <input
                type="checkbox"
                aria-label={`Choose ${member.name} on ${member.service ?? "no service"}`}
                checked={chosen.has(member.fingerprint)}
                onChange={() => toggle(member.fingerprint)}
              />
            )}
            <div>
              <p>
                <strong>{member.name}</strong> {member.service !== undefined && `on ${member.service}`} <Badge state={member.status} />{" "}
                <span className="role" data-role={member.role}>
                  {member.role}
                </span>
              </p>
              {member.annotations["summary"] !== undefined && <p>{member.annotations["description"] ?? member.annotations["summary"]}</p>}
              <p className="quiet">
                <When at={member.startsAt} /> · {member.reasons.map(({ text }) => text).join("; ")}
              </p>
            </div>
          </li>
        ))}
      </ul>
      {incident.members.length > 200 && <p className="quiet">The first 200 of {incident.members.length}.</p>}
      <div className="grouping-actions">
        {canSplit && chosen.size > 0 && (
          <Decision
            label={`Split off ${chosen.size}`}
            title="Split these alerts off?"
            text="They become an incident of their own, and Tocsin will not put the two together again by itself."
            confirm="Split off"
            act={async () => {
              await api.split(incident.id, [...chosen], whoAmI());
              setChosen(new Set());
            }}
          />
        )}
        {!isOver && others.length > 0 && (
          <Decision
            label="Merge into …"
            title="Merge into another incident"
            text={
              <label className="field">
                Incident
                <select value={into} onChange={(event) => setInto(event.target.value)}>
                  <option value="">Choose</option>
                  {others.map(({ id, title }) => (
                    <option key={id} value={id}>
                      {title}
                    </option>
                  ))}
                </select>
              </label>
            }
            confirm="Merge"
            act={() =>
              into === "" ? Promise.reject(new Error("Choose the incident that takes it in")) : api.merge(incident.id, into, whoAmI())
            }
          />
        )}
      </div>
    </details>
  );
}
