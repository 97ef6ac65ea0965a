import type { IncidentSummary } from "@tocsin/contracts";
import { useCallback, useEffect, useState } from "react";
import { api } from "./api.ts";
import { Drills } from "./drills.tsx";
import { Incident } from "./incident.tsx";
import { age, Badge } from "./parts.tsx";
import { useLive } from "./use-live.ts";

const idFromAddress = (): string | undefined => /^\/incidents\/([^/]+)$/.exec(location.pathname)?.[1];

export function App() {
  const [incidents, setIncidents] = useState<IncidentSummary[]>();
  const [problem, setProblem] = useState<string>();
  const [selected, setSelected] = useState(idFromAddress);

  const load = useCallback(() => {
    api.incidents().then(
      ({ items }) => {
        setIncidents(items);
        setProblem(undefined);
      },
      (error: Error) => setProblem(error.message),
    );
  }, []);
  useEffect(load, [load]);
  useEffect(() => {
    const onBack = () => setSelected(idFromAddress());
    addEventListener("popstate", onBack);
    return () => removeEventListener("popstate", onBack);
  }, []);
  const connection = useLive("/api/v1/stream", (item) => {
    if (item.event === "incident") load();
  });

  const open = (id: string | undefined) => {
    history.pushState(null, "", id === undefined ? "/" : `/incidents/${id}`);
    setSelected(id);
  };
  const isBusy = incidents?.some(({ state }) => state !== "closed" && state !== "resolved") ?? false;
  return (
    <div className="frame">
      <header>
        <button type="button" className="brand" onClick={() => open(undefined)}>
          <span aria-hidden="true">🔔</span> Tocsin
        </button>
        <span className={`connection ${connection}`} role="status">
          {connection === "live" ? "live" : connection === "behind" ? "reconnecting" : "connecting"}
        </span>
      </header>
      <aside>
        <Drills onStarted={load} />
        <h2>Incidents</h2>
        {problem !== undefined && <p className="problem">Incidents cannot be read: {problem}</p>}
        {incidents?.length === 0 && <p className="quiet">Nothing is broken. Start a drill to see what happens when something is.</p>}
        <ul className="incidents">
          {incidents?.map((incident) => (
            <li key={incident.id}>
              <button type="button" className={incident.id === selected ? "row selected" : "row"} onClick={() => open(incident.id)}>
                <span className="row-title">{incident.title}</span>
                <Badge state={incident.state} />
                <span className="quiet">
                  {incident.severity} · {age(incident.startedAt)} · {incident.alertCount} {incident.alertCount === 1 ? "alert" : "alerts"}
                </span>
              </button>
            </li>
          ))}
        </ul>
      </aside>
      <main>
        {selected === undefined ? (
          <section className="calm">
            <h1>{isBusy ? "Something is being worked on" : "All is calm"}</h1>
            <p className="quiet">Choose an incident to follow its reasoning live.</p>
          </section>
        ) : (
          <Incident key={selected} id={selected} />
        )}
      </main>
    </div>
  );
}
