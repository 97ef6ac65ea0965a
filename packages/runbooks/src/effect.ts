import type { Check, Deed } from "./format.ts";
import type { PlannedStep, RunPlan } from "./plan.ts";

/** A deed in words, with every argument that matters. */
export function deedInWords(deed: Deed): string {
  switch (deed.verb) {
    case "target.restart":
      return `restart ${deed.with.target}`;
    case "target.start":
      return `start ${deed.with.target}`;
    case "target.stop":
      return `stop ${deed.with.target}`;
    case "target.rollback":
      return `roll ${deed.with.target} back to ${revisionInWords(deed.with.toRevision)}`;
    case "target.scale":
      return `set ${deed.with.target} to ${deed.with.replicas === "{{before.replicas}}" ? "the replicas it had" : `${deed.with.replicas} replicas`}`;
    case "target.config":
      return `set ${deed.with.name} of ${deed.with.target} to ${configInWords(deed.with.value)}`;
    case "target.recreate":
      return `make the containers of ${deed.with.target} anew, volumes kept`;
    case "target.reconnect":
      return `connect ${deed.with.target} to its networks anew`;
    case "target.logs":
      return `read the last ${deed.with.tail} log lines of ${deed.with.target}`;
    case "target.stats":
      return `read the resource figures of ${deed.with.target}`;
    case "container.run":
      return `run ${JSON.stringify(deed.with.argv)} in a container of ${deed.with.image}, network ${deed.with.network ?? "none"}`;
    case "http.request":
      return `${deed.with.method} ${deed.with.url}`;
    case "wait":
      return `wait ${deed.with.for}`;
    case "check":
      return "check";
    case "notify":
      return `tell: ${deed.with.text}`;
    case "ask":
      return `ask: ${deed.with.question}`;
  }
}

const revisionInWords = (revision: string | undefined): string => {
  if (revision === undefined) return "the revision before";
  return revision === "{{before.revision}}" ? "the revision it had" : revision;
};

const configInWords = (value: string | null): string => {
  if (value === null) return "no value of its own";
  return value === "{{before.config}}" ? "the value it had" : value;
};

/** A number that people read: millions as `331.4M`, where nothing of it is lost. */
export function numberInWords(value: number): string {
  for (const [size, unit] of [
    [1e9, "G"],
    [1e6, "M"],
  ] as const)
    if (Math.abs(value) >= size && Number.isInteger(value / (size / 1_000))) return `${value / size}${unit}`;
  return String(value);
}

/** A check in words, e.g. `error_ratio of payments <= 1.5 × before + 0.02`. */
export function checkInWords(check: Check): string {
  const what = check.signal === undefined ? (check.promql ?? check.logql ?? "") : `${check.signal} of ${check.of ?? "?"}`;
  const value = check.value === undefined ? "" : numberInWords(check.value);
  if (!check.baseline) return `${what} ${check.op} ${value}`;
  const { times, plus } = check.baseline;
  const bound = `${times === 1 ? "" : `${times} × `}before${plus === 0 ? "" : ` + ${numberInWords(plus)}`}`;
  return `${what} ${check.op} ${bound}${check.value === undefined ? "" : ` (${value} when unknown)`}`;
}

const REVERSIBILITY = {
  none: "changes nothing",
  "self-reversing": "nothing to undo: the same revision runs after it",
  inverse: "undo",
  compensated: "made up for, not undone, by",
  irreversible: "cannot be undone",
} as const;

function stepInWords(step: PlannedStep, index: number): string {
  const parts = [deedInWords(step.deed)];
  if (step.acts)
    parts.push(step.undo ? `${REVERSIBILITY[step.reversibility]}: ${deedInWords(step.undo)}` : REVERSIBILITY[step.reversibility]);
  if (step.precondition.length > 0) parts.push(`only if ${step.precondition.map(checkInWords).join(" and ")}`);
  if (step.verify)
    parts.push(
      `good when ${step.verify.checks.map(checkInWords).join(" and ")} for ${step.verify.soakMs / 1000} s within ${step.verify.withinMs / 1000} s`,
    );
  return `${index + 1}. ${parts.join("; ")}`;
}

/** The effect of a plan in words, one line a step: what an approval shows and is bound to. */
export function effectOf(plan: Pick<RunPlan, "title" | "targets" | "steps">): string {
  const acting = plan.targets.length === 0 ? "acts on no target" : `acts on ${plan.targets.join(", ")}`;
  return [`${plan.title} (${acting})`, ...plan.steps.map(stepInWords)].join("\n");
}
