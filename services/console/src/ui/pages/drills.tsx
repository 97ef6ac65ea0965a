import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { DrillView, FaultView } from "@tocsin/contracts";
import { useState } from "react";
import { api } from "../api/client.ts";
import { drillsQuery, faultsQuery } from "../api/queries.ts";
import { useNow } from "../live/use-now.ts";
import { Badge } from "../parts/badges.tsx";
import { PageHead, Panel } from "../parts/panel.tsx";
import { Empty, Problem, Shown } from "../parts/states.tsx";
import { When } from "../parts/when.tsx";
import { awaitedOf, marksOf, scoreOf } from "../view/drill.ts";
import { span } from "../view/time.ts";

const route = getRouteApi("/drills");

/** Break something on purpose, watch what is made of it, read the score. */
export function Drills() {
  const faults = useQuery(faultsQuery);
  const drills = useQuery(drillsQuery);
  return (
    <>
      <PageHead title="Drills" />
      <p className="page-lead">
        A drill puts a real fault into a real service and scores what Tocsin makes of it: was the cause right, was the action right, how
        long did each part take.
      </p>
      <div className="drill-columns">
        <Panel title="Start a drill">
          <Shown query={faults} lines={5}>
            {({ items }) => (items.length === 0 ? <Empty title="Nothing here can be broken on purpose" /> : <Start faults={items} />)}
          </Shown>
        </Panel>
        <div>
          <Shown query={drills} lines={8}>
            {({ items }) => <Reports drills={items} />}
          </Shown>
        </div>
      </div>
    </>
  );
}

function Start({ faults }: { faults: readonly FaultView[] }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const client = useQueryClient();
  const [seconds, setSeconds] = useState(240);
  const fault = faults.find(({ id }) => id === search.fault) ?? (faults[0] as FaultView);
  const target =
    search.target !== undefined && fault.targets.includes(search.target)
      ? search.target
      : fault.targets.includes("payments")
        ? "payments"
        : (fault.targets[0] ?? "");
  const start = useMutation({
    mutationFn: () => api.startDrill(fault.id, target, seconds),
    onSuccess: () => client.invalidateQueries({ queryKey: ["drills"] }),
  });
  return (
    <form
      className="drill-form"
      onSubmit={(event) => {
        event.preventDefault();
        start.mutate();
      }}
    >
      <fieldset>
        <legend>Fault</legend>
        {faults.map((each) => (
          <label key={each.id} className="fault" data-chosen={each.id === fault.id}>
            <input
              type="radio"
              name="fault"
              value={each.id}
              checked={each.id === fault.id}
              onChange={() => void navigate({ search: (before) => ({ ...before, fault: each.id }), replace: true, resetScroll: false })}
            />
            <span>
              <strong>{each.title}</strong>
              {each.id === fault.id && <span className="quiet"> {each.text}</span>}
            </span>
          </label>
        ))}
      </fieldset>
      <div className="drill-row">
        <label className="field">
          Service
          <select
            name="target"
            value={target}
            onChange={(event) =>
              void navigate({ search: (before) => ({ ...before, target: event.target.value }), replace: true, resetScroll: false })
            }
          >
            {fault.targets.map((id) => (
              <option key={id}>{id}</option>
            ))}
          </select>
        </label>
        <label className="field">
          At most, in seconds
          <input type="number" min={10} max={3600} value={seconds} onChange={(event) => setSeconds(Number(event.target.value))} />
        </label>
      </div>
      {start.isError && <Problem error={start.error} />}
      <button type="submit" className="button" data-tone="main" disabled={start.isPending}>
        {start.isPending ? "Breaking it …" : "Break it"}
      </button>
    </form>
  );
}

function Reports({ drills }: { drills: readonly DrillView[] }) {
  if (drills.length === 0) return <Empty title="No drill has been run yet">Choose a fault and break something.</Empty>;
  const score = scoreOf(drills);
  return (
    <>
      {score.total > 0 && (
        <Panel title="Score">
          <dl className="figures">
            <Score name="Passed" n={score.passed} of={score.total} />
            <Score name="Right cause" n={score.causeRight} of={score.total} />
            <Score name="Right action" n={score.actionRight} of={score.total} />
          </dl>
        </Panel>
      )}
      {drills.map((drill) => (
        <Report key={drill.id} drill={drill} />
      ))}
    </>
  );
}
const Score = ({ name, n, of }: { name: string; n: number; of: number }) => (
  <div>
    <dt>{name}</dt>
    <dd>
      {n} <span className="quiet">of {of}</span>
    </dd>
  </div>
);

function Report({ drill }: { drill: DrillView }) {
  const awaited = awaitedOf(drill);
  return (
    <article className="panel drill" data-state={drill.state} aria-label={`Drill: ${drill.fault} on ${drill.target}`}>
      <header className="panel-head">
        <h2>
          {drill.fault.replaceAll("-", " ")} on {drill.target} <Badge state={drill.state} />
        </h2>
        <span className="quiet">
          <When at={drill.at.injected} />
        </span>
      </header>
      <ol className="marks">
        {marksOf(drill).map((mark) => (
          <li key={mark.key} data-done={mark.at !== undefined} data-awaited={awaited?.key === mark.key}>
            <span>{mark.name}</span>
            <span className="figure quiet">
              {mark.after === undefined ? (
                awaited?.key === mark.key ? (
                  <Waiting from={drill.at.injected} />
                ) : (
                  "–"
                )
              ) : mark.key === "injected" ? (
                "0 s"
              ) : (
                span(mark.after)
              )}
            </span>
          </li>
        ))}
      </ol>
      {drill.state !== "running" && (
        <p>
          Cause: <Right is={drill.cause.right} found={drill.cause.found} expected={drill.cause.expected} /> · Action:{" "}
          <Right is={drill.action.right} found={drill.action.taken} expected={drill.action.expected} />
        </p>
      )}
      {drill.reason !== undefined && <p className="quiet">{drill.reason}</p>}
      {drill.incidentId !== undefined && (
        <p className="drill-links">
          <Link to="/incidents/$id" params={{ id: drill.incidentId }}>
            {drill.state === "running" ? "Watch the incident" : "The incident"}
          </Link>
          {drill.state !== "running" && (
            <Link to="/incidents/$id/replay" params={{ id: drill.incidentId }}>
              Replay it
            </Link>
          )}
        </p>
      )}
    </article>
  );
}

function Waiting({ from }: { from: string }) {
  const now = useNow();
  return <>{span(Math.max(0, Math.round((now - Date.parse(from)) / 1000)))} …</>;
}

const Right = ({ is, found, expected }: { is: boolean; found: string | undefined; expected: string }) =>
  is ? (
    <span className="right">✓ {found ?? expected}</span>
  ) : (
    <span className="wrong">
      ✗ {found ?? "none"} <span className="quiet">(it was {expected})</span>
    </span>
  );
