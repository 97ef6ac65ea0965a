import type { DrillView, FaultView } from "@tocsin/contracts";
import { useEffect, useState } from "react";
import { api } from "./api.ts";
import { Badge } from "./parts.tsx";

/** Break something on purpose: which fault, where, and how the last drills went. */
export function Drills({ onStarted }: { onStarted: () => void }) {
  const [faults, setFaults] = useState<FaultView[]>([]);
  const [drills, setDrills] = useState<DrillView[]>([]);
  const [fault, setFault] = useState("");
  const [target, setTarget] = useState("");
  const [problem, setProblem] = useState<string>();

  useEffect(() => {
    api.faults().then(
      ({ items }) => {
        setFaults(items);
        setFault(items[0]?.id ?? "");
        setTarget(items[0]?.targets.includes("payments") ? "payments" : (items[0]?.targets[0] ?? ""));
      },
      () => setFaults([]),
    );
    const refresh = () =>
      void api.drills().then(
        ({ items }) => setDrills(items),
        () => {},
      );
    refresh();
    const timer = setInterval(refresh, 2_000);
    return () => clearInterval(timer);
  }, []);

  const chosen = faults.find(({ id }) => id === fault);
  if (faults.length === 0) return null;
  const start = () =>
    api.startDrill(fault, target).then(
      (drill) => {
        setProblem(undefined);
        setDrills((before) => [drill, ...before]);
        onStarted();
      },
      (error: Error) => setProblem(error.message),
    );
  return (
    <section>
      <h2>Start a drill</h2>
      <form
        className="drill"
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        <label>
          Fault
          <select name="fault" value={fault} onChange={(event) => setFault(event.target.value)}>
            {faults.map(({ id, title }) => (
              <option key={id} value={id}>
                {title}
              </option>
            ))}
          </select>
        </label>
        <label>
          Service
          <select name="target" value={target} onChange={(event) => setTarget(event.target.value)}>
            {chosen?.targets.map((id) => (
              <option key={id}>{id}</option>
            ))}
          </select>
        </label>
        <button type="submit">Break it</button>
      </form>
      {chosen && <p className="quiet">{chosen.text}</p>}
      {problem !== undefined && <p className="problem">{problem}</p>}
      <ul className="drills">
        {drills.map((drill) => (
          <li key={drill.id}>
            <Badge state={drill.state} /> {drill.fault} on {drill.target}
            {drill.state !== "running" && (
              <span className="quiet">
                {" "}
                · cause {drill.cause.right ? "right" : `wrong (${drill.cause.found ?? "none"})`} · action{" "}
                {drill.action.right ? "right" : "wrong"}
              </span>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
