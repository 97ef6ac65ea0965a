// What a dry run says, ordered for a person: first what stands in the way, then what would be done.
import type { DryRunView, PolicyVerdict } from "@tocsin/contracts";

type Plan = Extract<DryRunView, { kind: "plan" }>;

export const WORD_OF_VERDICT = { allow: "allowed", "needs-approval": "needs approval", refuse: "refused" } as const;

const NAME_OF_RULE: Readonly<Record<string, string>> = {
  "red-button": "Red button",
  incident: "Incident",
  selector: "What it acts on",
  target: "Target",
  lock: "Lock",
  "fresh-signal": "Fresh signal",
  "last-replica": "Last replica",
  concurrency: "Runs at a time",
  "cool-down": "Cool-down",
  rate: "Rate",
  breaker: "Earlier failures",
  "error-budget": "Error budget",
  freeze: "Freeze",
  match: "Match",
  reversibility: "Undo",
  question: "Questions",
  "unknown-outcome": "Unknown outcomes",
  autonomy: "Autonomy",
};
export const nameOfRule = (rule: string): string => NAME_OF_RULE[rule] ?? rule.replaceAll("-", " ");

/** A reason beside its rule's name: not the same word twice. */
export function reasonBeside(rule: string, text: string): string {
  const [, rest] = new RegExp(`^${rule.replaceAll("-", "[- ]")} (.+)$`, "s").exec(text) ?? [];
  return rest ?? text;
}

const STRICTNESS = ["refuse", "needs-approval", "allow"] as const;

/** Pure: the rules that stand in the way, the strictest first, and those that do not; each in the order they were asked. */
export function byStrictness(reasons: readonly PolicyVerdict[]) {
  const ordered = STRICTNESS.flatMap((verdict) => reasons.filter((reason) => reason.verdict === verdict));
  return {
    inTheWay: ordered.filter(({ verdict }) => verdict !== "allow"),
    allowed: ordered.filter(({ verdict }) => verdict === "allow"),
  };
}

/** A line of an approval's text as the rule that it tells of: `rate: allow: few`; undefined for any other line. */
export function verdictOf(line: string): PolicyVerdict | undefined {
  const [, rule, verdict, text] = /^([a-z-]+): (allow|needs-approval|refuse): (.*)$/s.exec(line) ?? [];
  return rule === undefined ? undefined : { rule, verdict: verdict as PolicyVerdict["verdict"], text: text ?? "" };
}

/** Pure: what would come of it if it were asked for now, in a sentence. */
export function outcomeOf({ policy, targets, steps }: Pick<Plan, "policy" | "targets" | "steps">): { tone: string; text: string } {
  const where = `in ${policy.environment}`;
  if (policy.verdict === "refuse")
    return policy.retrySeconds === undefined
      ? { tone: "bad", text: `It would be refused ${where}.` }
      : { tone: "warn", text: `It would have to wait ${where}: asked again after ${policy.retrySeconds} s.` };
  if (policy.verdict === "needs-approval")
    return {
      tone: "ask",
      text: `A person would be asked first ${where}${policy.emergencyOnly ? ", and only an emergency is a reason" : ""}.`,
    };
  // What has to hold before the first act is asked again then; a later step may well change what the next one needs.
  const first = steps.find(({ acts }) => acts);
  const missing = first?.preconditions.filter(({ holds }) => !holds) ?? [];
  if (missing.length > 0) return { tone: "warn", text: `It would be let run ${where}, but would not act while things are as they are.` };
  return { tone: "good", text: targets.length === 0 ? "It would run by itself: it only looks." : `It would run by itself ${where}.` };
}

/** Where a value comes from, in words. */
export function originInWords(origin: string): string {
  if (origin === "cause.service") return "the service that is at fault";
  if (origin === "operator") return "a person";
  return `the alert's label ${origin.replace("alert.label.", "")}`;
}
