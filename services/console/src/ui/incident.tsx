import type { IncidentView } from "@tocsin/contracts";
import { useCallback, useEffect, useRef, useState } from "react";
import { api } from "./api.ts";
import { Badge, clockTime, Section } from "./parts.tsx";
import { type LiveItem, useLive } from "./use-live.ts";

/** One incident, live: what we think, what was done, and everything in order of time. */
export function Incident({ id }: { id: string }) {
  const [incident, setIncident] = useState<IncidentView>();
  const [problem, setProblem] = useState<string>();
  const [items, setItems] = useState<LiveItem[]>([]);
  const due = useRef<ReturnType<typeof setTimeout>>(undefined);

  const load = useCallback(() => {
    api.incident(id).then(setIncident, (error: Error) => setProblem(error.message));
  }, [id]);
  useEffect(() => {
    load();
    return () => clearTimeout(due.current);
  }, [load]);
  const connection = useLive(`/api/v1/incidents/${encodeURIComponent(id)}/stream`, (item) => {
    setItems((before) => [...before, item]);
    clearTimeout(due.current);
    due.current = setTimeout(load, 200); // many events at once are one reload
  });

  if (problem !== undefined) return <p className="problem">{problem}</p>;
  if (incident === undefined) return <p className="quiet">Reading the incident …</p>;
  const [cause] = incident.causes;
  return (
    <article>
      <h1>
        {incident.title} <Badge state={incident.state} />
      </h1>
      {incident.escalation !== undefined && <p className="problem">Handed to a person: {incident.escalation}</p>}
      {incident.verdict === "cause" && cause && (
        <p className="cause">
          <strong>{cause.service}</strong>: {cause.text} <span className="quiet">({Math.round(cause.confidence * 100)} % sure)</span>
        </p>
      )}
      {incident.verdict === "inconclusive" && <p className="cause">The evidence does not single out a cause.</p>}
      <div className="columns">
        <Section title="Reasoning and actions">
          <p className="quiet" role="status">
            {connection === "live" ? "live" : "reconnecting"} · {items.length} events
          </p>
          <ol className="stream">
            {items.map((item) => (
              <li key={item.id} className={item.event}>
                <time dateTime={item.at}>{clockTime(item.at)}</time> <span className="tag">{item.phase ?? item.event}</span> {item.text}
              </li>
            ))}
          </ol>
        </Section>
        <div>
          <Section title="Evidence">
            <ul>
              {cause?.evidence.map((evidence) => (
                <li key={evidence.id}>{evidence.text}</li>
              ))}
            </ul>
          </Section>
          <Section title={`Alerts (${incident.members.length})`}>
            <ul>
              {incident.members.map((member) => (
                <li key={member.fingerprint}>
                  <Badge state={member.status} /> <strong>{member.role}</strong> {member.name} {member.service && `on ${member.service}`}
                  <span className="quiet"> {member.reasons.map(({ text }) => text).join("; ")}</span>
                </li>
              ))}
            </ul>
          </Section>
          <Section title="Runs">
            {incident.runs.map((run) => (
              <div key={run.id}>
                <p>
                  <Badge state={run.state} /> {run.title}
                </p>
                <ol>
                  {run.steps.map((step) => (
                    <li key={step.id + step.role}>
                      <Badge state={step.state} /> {step.role === "undo" ? "undo " : ""}
                      {step.verb}
                      {step.output !== undefined && <pre>{step.output}</pre>}
                    </li>
                  ))}
                </ol>
              </div>
            ))}
          </Section>
          {incident.analysis !== "" && (
            <Section title="Analysis">
              <pre className="analysis">{incident.analysis}</pre>
            </Section>
          )}
          {incident.links.gitlab !== undefined && /^https?:/.test(incident.links.gitlab) && (
            <p>
              <a href={incident.links.gitlab} rel="noopener noreferrer">
                In GitLab
              </a>
            </p>
          )}
        </div>
      </div>
    </article>
  );
}
