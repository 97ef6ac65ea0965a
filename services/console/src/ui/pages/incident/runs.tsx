import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { IncidentView, RunView, StepView } from "@tocsin/contracts";
import { useState } from "react";
import { pendingQuery } from "../../api/queries.ts";
import { ApprovalCard } from "../../parts/approval-card.tsx";
import { Badge } from "../../parts/badges.tsx";
import { DryRun } from "../../parts/dry-run.tsx";
import { Output } from "../../parts/output.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Lasting, When } from "../../parts/when.tsx";
import { shortDigest } from "../../view/figures.ts";

/** What is asked, what is being done, what was done: each run with its steps as they go. */
export function Runs({ incident }: { incident: IncidentView }) {
  const pending = useQuery(pendingQuery);
  const asked = (pending.data?.items ?? []).filter(({ incidentId }) => incidentId === incident.id);
  if (asked.length + incident.runs.length === 0) return null;
  return (
    <Panel title="Action">
      {asked.map((approval) => (
        <ApprovalCard key={approval.id} approval={approval}>
          <DryRunNow run={incident.runs.find(({ id }) => id === approval.runId)} />
        </ApprovalCard>
      ))}
      {incident.runs
        .toReversed()
        .filter((run) => !asked.some(({ runId }) => runId === run.id))
        .map((run) => (
          <RunDetails key={run.id} run={run} />
        ))}
    </Panel>
  );
}

export const RunDetails = ({ run }: { run: RunView }) => (
  <article className="run" data-state={run.state}>
    <header>
      <p className="run-title">
        <Link to="/runbooks/$id" params={{ id: run.runbook }} search={{ incident: run.incidentId }}>
          {run.title}
        </Link>{" "}
        <Badge state={run.state} />
      </p>
      <p className="quiet">
        {Object.entries(run.parameters)
          .map(([name, value]) => `${name} ${value}`)
          .join(", ")}{" "}
        · asked <When at={run.requestedAt} /> · <code title={run.digest}>{shortDigest(run.digest)}</code>
      </p>
      {run.reason !== undefined && <p>{run.reason}</p>}
    </header>
    <ol className="steps">
      {run.steps.map((step, n) => (
        <Step key={`${step.id}:${step.role}:${String(n)}`} step={step} />
      ))}
    </ol>
    {MAY_BE_ASKED_AGAIN.has(run.state) && <DryRunNow run={run} />}
  </article>
);

/** While one runs nothing is to be asked, and what helped is done. */
const MAY_BE_ASKED_AGAIN: ReadonlySet<string> = new Set(["requested", "awaiting-approval", "denied", "refused", "failed", "unknown"]);

/** The same plan, looked at and judged again as things are now. */
function DryRunNow({ run }: { run: RunView | undefined }) {
  const [isOpen, setIsOpen] = useState(false);
  if (run === undefined) return null;
  return (
    <details className="standing" onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary>Dry run: what would it do now?</summary>
      {isOpen && <DryRun runbook={run.runbook} incidentId={run.incidentId} runId={run.id} />}
    </details>
  );
}

const Step = ({ step }: { step: StepView }) => (
  <li className="step" data-state={step.state} data-role={step.role}>
    <p>
      <span className="step-name">
        {step.role === "undo" ? "Undo " : ""}
        {step.id}
      </span>{" "}
      <code>{step.verb}</code> <Badge state={step.state} />
      {step.startedAt !== undefined && (
        <span className="quiet">
          {" "}
          <Lasting from={step.startedAt} to={step.finishedAt} />
        </span>
      )}
    </p>
    {step.output !== undefined &&
      step.output !== "" &&
      (step.output.length < 240 && !step.output.includes("\n") ? (
        <p className="step-output">{step.output}</p>
      ) : (
        <details open={step.state === "failed" || step.state === "running"}>
          <summary>Output</summary>
          <Output>{step.output}</Output>
        </details>
      ))}
  </li>
);
