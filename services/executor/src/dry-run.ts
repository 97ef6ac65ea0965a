// What a run would do, without touching anything: the targets as they are, every command, whether the checks could be asked, the undo.
import type { DryRunView, IncidentView } from "@tocsin/contracts";
import { deedInWords, type RunPlan } from "@tocsin/runbooks";
import { messageOf } from "@tocsin/runtime";
import type { Target } from "@tocsin/targets";
import { baselinesBefore } from "./baseline.ts";
import { createAsker } from "./checks.ts";
import type { FactSources, OutsideFacts } from "./facts.ts";

type Found = Extract<DryRunView, { kind: "plan" }>;

export interface DryRun extends Pick<Found, "targets" | "steps"> {
  /** The plan's effect and all of this in words: what an approval shows. */
  readonly text: string;
}

/** Asks the targets and the signals, and acts on nothing. Never throws: what cannot be asked is said. */
export async function dryRun(sources: FactSources, plan: RunPlan, incident: IncidentView, outside: OutsideFacts): Promise<DryRun> {
  const baselines = baselinesBefore(sources.signals.metrics, Date.parse(incident.startedAt) / 1_000);
  const ask = createAsker(sources.signals, baselines, sources.clock);
  const targets = await Promise.all(
    plan.targets.map(async (id) => {
      const facts = outside.targets.find((target) => target.id === id);
      try {
        return { id, text: facts?.known === false ? "is not known" : targetInWords(await sources.targets.get(id)) };
      } catch (error) {
        return { id, text: `cannot be asked: ${messageOf(error)}` };
      }
    }),
  );
  const steps = await Promise.all(
    plan.steps.map(async (step) => ({
      id: step.id,
      deed: deedInWords(step.deed),
      acts: step.acts,
      ...(step.undo === undefined ? {} : { undo: deedInWords(step.undo) }),
      reversibility: step.reversibility,
      preconditions: await ask.checks(step.precondition),
      checks: step.verify ? await ask.checks(step.verify.checks) : [],
    })),
  );
  const now = [
    ...targets.map(({ id, text }) => `${id}: ${text}`),
    ...steps.flatMap((step) => [
      ...step.preconditions.map(({ holds, text }) => `${step.id}, before: ${holds ? "holds" : "does not hold"}: ${text}`),
      ...step.checks.map(({ holds, text }) => `${step.id}, after: ${holds ? "holds" : "does not hold yet"}: ${text}`),
    ]),
  ];
  return { targets, steps, text: [plan.effect, "Now:", ...now].join("\n") };
}

function targetInWords(target: Target): string {
  const healthy = target.replicas.filter((replica) => replica.healthy).length;
  const back = target.previousRevision === undefined ? "no revision before it" : `before it ${target.previousRevision}`;
  return `${healthy} of ${target.replicas.length} replicas healthy, revision ${target.revision}, ${back}`;
}
