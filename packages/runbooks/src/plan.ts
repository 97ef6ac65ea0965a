// A plan is a runbook with its parameters resolved and checked: exactly what would be done, bound to a digest. The same runbook text and
// the same parameters give the same plan and the same digest, in whichever process it is made.
import { digestOf } from "@tocsin/runtime";
import { mapTexts } from "./deed-texts.ts";
import { effectOf } from "./effect.ts";
import { type Autonomy, type Check, type Deed, durationMs, type Parameter, type Risk, type Runbook, type Step } from "./format.ts";
import { valueProblem } from "./parameter.ts";
import { fillIn } from "./placeholder.ts";
import { acts, type Reversibility, reversibilityOf, targetOf, worstReversibility } from "./reversibility.ts";
import type { Situation } from "./situation.ts";

export interface PlannedVerify {
  readonly checks: readonly Check[];
  readonly soakMs: number;
  readonly withinMs: number;
}

/** A step with every parameter filled in. */
export interface PlannedStep {
  readonly id: string;
  readonly deed: Deed;
  readonly acts: boolean;
  /** What it acts on or asks; absent for deeds without a target. */
  readonly target?: string;
  readonly precondition: readonly Check[];
  readonly verify?: PlannedVerify;
  readonly timeoutMs: number;
  /** The undo; `{{before.revision}}` and `{{before.replicas}}` are filled in from the snapshot taken right before the act. */
  readonly undo?: Deed;
  readonly reversibility: Reversibility;
}

export interface RunPlan {
  readonly kind: "plan";
  /** The runbook's id. */
  readonly runbook: string;
  readonly title: string;
  readonly runbookDigest: string;
  /** Over the runbook's text and the parameters: what a run and an approval are bound to. */
  readonly digest: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly risk: Risk;
  readonly autonomy: Autonomy;
  readonly tags: readonly string[];
  readonly steps: readonly PlannedStep[];
  /** The worst of its steps. */
  readonly reversibility: Reversibility;
  /** Everything it acts on, each once, sorted; empty for a plan that only looks. */
  readonly targets: readonly string[];
  /** Questions that a person has to answer with yes first. */
  readonly questions: readonly string[];
  /** The exact effect in words, one line a step: what a person approves. */
  readonly effect: string;
}
export type Planned = RunPlan | { readonly kind: "refused"; readonly reason: string };

export interface PlanContext extends Situation {
  /** What a person gave, for parameters of origin `operator`. */
  readonly operator?: Readonly<Record<string, string>>;
}

/** Plans a runbook for an incident: takes each parameter from its declared origin, nowhere else; one that nobody declared is refused. */
export function planRun(runbook: Runbook, context: PlanContext): Planned {
  for (const name of Object.keys(context.operator ?? {})) {
    if (!Object.hasOwn(runbook.parameters, name)) return { kind: "refused", reason: `${runbook.id} has no parameter ${name}` };
    const { origin } = runbook.parameters[name] as Parameter;
    if (origin !== "operator") return { kind: "refused", reason: `${name}: comes from ${origin}, nobody gives it` };
  }
  const parameters: Record<string, string> = {};
  for (const [name, parameter] of Object.entries(runbook.parameters)) {
    const found = valueFrom(parameter.origin, name, context);
    if ("reason" in found) return { kind: "refused", reason: `${name}: ${found.reason}` };
    const value = found.value ?? parameter.default;
    if (value === undefined) return { kind: "refused", reason: `${name}: ${noValueFrom(parameter.origin)}` };
    parameters[name] = value;
  }
  return planWith(runbook, parameters);
}

/** Plans a runbook with parameters that were taken from their origins before, as a stored run has them. Checks every one again. */
export function planWith(runbook: Runbook, parameters: Readonly<Record<string, string>>): Planned {
  for (const name of Object.keys(parameters))
    if (!Object.hasOwn(runbook.parameters, name)) return { kind: "refused", reason: `${runbook.id} has no parameter ${name}` };
  for (const [name, parameter] of Object.entries(runbook.parameters)) {
    const problem = valueProblem(name, parameter, Object.hasOwn(parameters, name) ? parameters[name] : undefined);
    if (problem) return { kind: "refused", reason: problem };
  }
  const steps = runbook.steps.map((step) => planStep(step, parameters));
  const acting = steps.filter((step) => step.acts);
  const reversibility = worstReversibility(steps.map((step) => step.reversibility));
  const body = {
    kind: "plan" as const,
    runbook: runbook.id,
    title: runbook.title,
    runbookDigest: runbook.digest,
    digest: digestOf({ runbook: runbook.digest, parameters }),
    parameters: { ...parameters },
    risk: runbook.risk,
    autonomy: runbook.autonomy,
    tags: runbook.tags,
    steps,
    reversibility,
    targets: [...new Set(acting.flatMap((step) => step.target ?? []))].sort(),
    questions: steps.flatMap((step) => (step.deed.verb === "ask" ? [step.deed.with.question] : [])),
  };
  return { ...body, effect: effectOf(body) };
}

const noValueFrom = (origin: string): string => (origin === "operator" ? "a person has to give it" : `${origin} gives no value`);

function valueFrom(
  origin: string,
  name: string,
  context: PlanContext,
): { readonly value: string | undefined } | { readonly reason: string } {
  if (origin === "cause.service")
    return context.cause ? { value: context.cause.service } : { reason: "no cause was singled out, so there is no service to act on" };
  if (origin === "operator") {
    const given = context.operator ?? {};
    return { value: Object.hasOwn(given, name) ? given[name] : undefined };
  }
  const label = origin.slice("alert.label.".length);
  const speaking = context.members.filter((m) => (context.cause ? m.service === context.cause.service : m.role === "root"));
  const values = [...new Set(speaking.flatMap((m) => (Object.hasOwn(m.labels, label) ? [m.labels[label] as string] : [])))];
  if (values.length > 1) return { reason: `the alerts disagree on ${label}: ${values.slice(0, 3).join(", ")}` };
  return { value: values[0] };
}

function planStep(step: Step, parameters: Readonly<Record<string, string>>): PlannedStep {
  const deed = mapTexts(step, (slot, text) => fillIn(slot, text, parameters));
  const undo = typeof step.undo === "object" ? mapTexts(step.undo, (slot, text) => fillIn(slot, text, parameters)) : undefined;
  const target = targetOf(deed);
  const fillCheck = (check: Check): Check => ({
    ...check,
    ...(check.of === undefined ? {} : { of: fillIn("whole", check.of, parameters) }),
    ...(check.signal !== undefined && check.of === undefined && target !== undefined ? { of: target } : {}),
    ...(check.promql === undefined ? {} : { promql: fillIn("query", check.promql, parameters) }),
    ...(check.logql === undefined ? {} : { logql: fillIn("query", check.logql, parameters) }),
  });
  return {
    id: step.id,
    deed,
    acts: acts(step),
    ...(target === undefined ? {} : { target }),
    precondition: step.precondition.map(fillCheck),
    ...(step.verify === undefined
      ? {}
      : {
          verify: {
            checks: step.verify.checks.map(fillCheck),
            soakMs: durationMs(step.verify.soak),
            withinMs: durationMs(step.verify.within),
          },
        }),
    timeoutMs: durationMs(step.timeout),
    ...(undo === undefined ? {} : { undo }),
    reversibility: reversibilityOf(deed, undo ?? (step.undo === "none-required" ? "none-required" : undefined), step.irreversible === true),
  };
}
