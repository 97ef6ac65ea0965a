import { useQuery } from "@tanstack/react-query";
import type { DryRunView } from "@tocsin/contracts";
import { useState } from "react";
import { dryRunQuery } from "../api/queries.ts";
import { originInWords, outcomeOf } from "../view/dry-run.ts";
import { shortDigest } from "../view/figures.ts";
import { autonomyInWords } from "../view/runbook.ts";
import { Shown } from "./states.tsx";
import { Verdicts } from "./verdicts.tsx";
import { When } from "./when.tsx";

/**
 * What a runbook would do now, and what every rule says of it. Asked of the executor, which touches nothing for it.
 *
 * @param runId judged as this run, with the parameters that it has; otherwise as one that would be asked for now
 */
export function DryRun({ runbook, incidentId, runId }: { runbook: string; incidentId: string; runId?: string }) {
  const [given, setGiven] = useState<Readonly<Record<string, string>>>({});
  const query = useQuery(dryRunQuery({ runbook, incidentId, runId, given }));
  return (
    <Shown query={query} lines={4}>
      {(found) => (
        <div className="dry" aria-busy={query.isFetching}>
          {runId === undefined && <Given wants={found.wants} onGiven={setGiven} />}
          {found.kind === "refused" ? <NoPlan found={found} /> : <Plan plan={found} />}
          <p className="quiet dry-foot">
            <span>
              As of <When at={found.at} />, nothing was touched
            </span>
            <button type="button" className="quiet-button" disabled={query.isFetching} onClick={() => void query.refetch()}>
              Look again
            </button>
          </p>
        </div>
      )}
    </Shown>
  );
}

/** What a person has to give before there is a plan. */
function Given({ wants, onGiven }: { wants: DryRunView["wants"]; onGiven: (given: Readonly<Record<string, string>>) => void }) {
  const asked = wants.filter(({ origin }) => origin === "operator");
  if (asked.length === 0) return null;
  return (
    <form
      className="given"
      onSubmit={(event) => {
        event.preventDefault();
        const values = new FormData(event.currentTarget);
        onGiven(
          Object.fromEntries(asked.map(({ name }) => [name, String(values.get(name) ?? "").trim()]).filter(([, value]) => value !== "")),
        );
      }}
    >
      {asked.map(({ name, description, default: otherwise }) => (
        <label key={name} className="field">
          {name}
          {description !== undefined && `: ${description}`}
          <input name={name} placeholder={otherwise} autoComplete="off" />
        </label>
      ))}
      <button type="submit" className="button">
        Show with these
      </button>
    </form>
  );
}

const NoPlan = ({ found }: { found: Extract<DryRunView, { kind: "refused" }> }) => (
  <section className="outcome" data-tone="warn" aria-label="Outcome">
    <p className="outcome-text">There is no plan, so nothing would be asked for.</p>
    <p>{found.reason}</p>
    {found.wants.length > 0 && (
      <dl className="pairs">
        {found.wants.map(({ name, origin }) => (
          <div key={name} className="pair">
            <dt>{name}</dt>
            <dd>from {originInWords(origin)}</dd>
          </div>
        ))}
      </dl>
    )}
  </section>
);

function Plan({ plan }: { plan: Extract<DryRunView, { kind: "plan" }> }) {
  const { tone, text } = outcomeOf(plan);
  return (
    <>
      <section className="outcome" data-tone={tone} aria-label="Outcome">
        <p className="outcome-text">{text}</p>
        <Verdicts reasons={plan.policy.reasons} />
      </section>
      {plan.targets.map((target) => (
        <p key={target.id}>
          <strong>{target.id}</strong> now: {target.text}
        </p>
      ))}
      <ol className="steps">
        {plan.steps.map((step) => (
          <li key={step.id} className="step" data-state={step.acts ? "running" : "pending"}>
            <p>
              <span className="step-name">{step.deed}</span>
            </p>
            <p className="quiet">
              {step.acts ? (step.undo === undefined ? WITHOUT_UNDO[step.reversibility] : `undo: ${step.undo}`) : "changes nothing"}
            </p>
            <Checks title="Only if" checks={step.preconditions} no="does not hold now" />
            <Checks title="Good when" checks={step.checks} no="not yet" />
          </li>
        ))}
      </ol>
      <p className="quiet">
        {Object.entries(plan.parameters)
          .map(([name, value]) => `${name} ${value}`)
          .join(", ")}
        {Object.keys(plan.parameters).length > 0 && " · "}
        <code title={plan.digest}>{shortDigest(plan.digest)}</code> · {plan.risk} risk · here it {autonomyInWords(plan.policy.autonomy)}
      </p>
    </>
  );
}

const WITHOUT_UNDO: Readonly<Record<string, string>> = {
  "self-reversing": "nothing to undo: the same revision runs after it",
  irreversible: "cannot be undone",
};

function Checks({ title, checks, no }: { title: string; checks: readonly { holds: boolean; text: string }[]; no: string }) {
  if (checks.length === 0) return null;
  return (
    <ul className="asked" aria-label={title}>
      {checks.map(({ holds, text }) => (
        <li key={text} data-holds={holds}>
          {title.toLowerCase()} {text} <span className="asked-now">{holds ? "holds now" : no}</span>
        </li>
      ))}
    </ul>
  );
}
