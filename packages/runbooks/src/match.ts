// Which runbook answers an incident. Rules decide: what the front matter says it matches. Text similarity only proposes, and what it proposes a
// person has to approve. No match is an answer.
import type { Reason } from "@tocsin/contracts";
import type { Runbook } from "./format.ts";
import { acts } from "./reversibility.ts";
import { type Situation, wasChanged } from "./situation.ts";
import { indexTexts, type TextIndex } from "./text-similarity.ts";

export interface RunbookMatch {
  readonly runbook: Runbook;
  /** `rule`: its front matter says so. `text`: it only reads alike; guidance until a person approves. */
  readonly via: "rule" | "text";
  /** Comparable within one answer and one `via`. */
  readonly score: number;
  readonly reasons: readonly Reason[];
}

export type MatchResult =
  | {
      readonly kind: "match";
      /** The best first; never empty. */
      readonly matches: readonly [RunbookMatch, ...RunbookMatch[]];
      /** Why the first stands before the second, when both scored the same. */
      readonly tie?: string;
    }
  | { readonly kind: "none"; readonly reason: string };

const WEIGHT = { rootAlert: 0.4, alert: 0.15, cause: 0.35, signature: 0.2, change: 0.3 } as const;
const MAX_SIGNATURES = 3;
/** A text that reads less alike than this is no proposal: cosine-like, 0 to 1. */
const TEXT_FLOOR = 0.22;

/** Pure: does a label set satisfy every matcher? `/…/` is a regular expression over the whole value; an absent label is the empty text. */
export function labelsMatch(matchers: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(matchers).every(([label, wanted]) => {
    const value = Object.hasOwn(labels, label) ? (labels[label] as string) : "";
    const pattern = /^\/(.*)\/$/s.exec(wanted)?.[1];
    return pattern === undefined ? value === wanted : new RegExp(`^(?:${pattern})$`, "u").test(value);
  });
}

/**
 * Ranks the runbooks for an incident, with reasons.
 *
 * A cause that was found is binding: a runbook that names cause kinds and not this one does not apply, however well its alerts fit. Equal
 * scores are decided by what is safer (fewer acts, lower risk), then by id, so that the order of files never decides.
 */
export function matchRunbooks(
  runbooks: readonly Runbook[],
  situation: Situation,
  texts: TextIndex<Runbook> = indexRunbooks(runbooks),
): MatchResult {
  const byRule = runbooks.flatMap((runbook) => ruleMatch(runbook, situation) ?? []).sort(compare);
  const taken = new Set(byRule.map((match) => match.runbook.id));
  const byText = texts
    .search(describe(situation))
    .filter(({ item, similarity }) => similarity >= TEXT_FLOOR && !taken.has(item.id) && isConceivable(item, situation))
    .slice(0, 3)
    .map(
      ({ item, similarity, terms }): RunbookMatch => ({
        runbook: item,
        via: "text",
        score: similarity,
        reasons: [{ kind: "text", weight: Math.min(1, similarity), text: `it reads alike: ${terms.slice(0, 5).join(", ")}` }],
      }),
    );
  const [first, second, ...rest] = [...byRule, ...byText];
  if (!first) return { kind: "none", reason: noneReason(runbooks, situation) };
  const matches: [RunbookMatch, ...RunbookMatch[]] = second ? [first, second, ...rest] : [first];
  if (!second || first.via !== second.via || Math.abs(first.score - second.score) > 1e-9) return { kind: "match", matches };
  return {
    kind: "match",
    matches,
    tie: `${first.runbook.id} and ${second.runbook.id} fit equally well; the first does less harm if it is wrong`,
  };
}

/** Texts of runbooks, prepared once for many searches. */
export const indexRunbooks = (runbooks: readonly Runbook[]): TextIndex<Runbook> =>
  indexTexts(runbooks, (runbook) => [
    { text: runbook.title, weight: 3 },
    { text: [runbook.id, ...runbook.tags, ...runbook.matches.signatures].join(" "), weight: 2 },
    { text: runbook.text.replace(/^---[\s\S]*?\n---/, "").replace(/```yaml step[\s\S]*?```/g, ""), weight: 1 },
  ]);

function ruleMatch(runbook: Runbook, situation: Situation): RunbookMatch | undefined {
  const { matches } = runbook;
  const reasons: Reason[] = [];
  const { cause } = situation;

  if (matches.recentChange !== undefined) {
    if (matches.recentChange !== wasChanged(situation)) return undefined;
    if (matches.recentChange) reasons.push({ kind: "change", weight: WEIGHT.change, text: "it was changed shortly before" });
  }
  if (cause && matches.causes.length > 0) {
    if (!matches.causes.includes(cause.kind)) return undefined;
    reasons.push({ kind: "cause", weight: WEIGHT.cause, text: `the cause is of kind ${cause.kind}` });
  }

  const alerts = situation.members.filter((member) =>
    matches.alerts.some((matchers) => labelsMatch(matchers, { alertname: member.name, ...member.labels })),
  );
  const atCause = alerts.find((member) => (cause ? member.service === cause.service : member.role === "root"));
  if (atCause)
    reasons.push({ kind: "alert", weight: WEIGHT.rootAlert, text: `${atCause.name} fires for ${atCause.service ?? "the root"}` });
  else if (alerts[0]) reasons.push({ kind: "alert", weight: WEIGHT.alert, text: `${alerts[0].name} is among the alerts` });

  const haystack = evidenceText(situation);
  const signatures = matches.signatures.filter((signature) => new RegExp(signature, "iu").test(haystack)).slice(0, MAX_SIGNATURES);
  for (const signature of signatures)
    reasons.push({
      kind: "signature",
      weight: WEIGHT.signature,
      text: `the evidence shows ${signature.replace(/\\b/g, "").replace(/[\\^$]/g, "")}`,
    });

  if (reasons.length === 0) return undefined;
  // Of several runbooks for one kind of cause, the alert or the signature says which; a cause kind alone is enough only for those that ask for no more.
  const says = reasons.some((reason) => reason.kind !== "cause");
  if (!says && (matches.alerts.length > 0 || matches.signatures.length > 0)) return undefined;
  return { runbook, via: "rule", score: reasons.reduce((sum, reason) => sum + reason.weight, 0), reasons };
}

/** Text may propose only what the cause does not rule out. */
function isConceivable({ matches }: Runbook, situation: Situation): boolean {
  if (matches.recentChange !== undefined && matches.recentChange !== wasChanged(situation)) return false;
  return situation.cause === undefined || matches.causes.length === 0 || matches.causes.includes(situation.cause.kind);
}

/** What the diagnosis says, without what anybody could have written into an alert's annotations or a log line: rules act on it. */
const evidenceText = ({ cause, evidence = [] }: Situation): string =>
  [cause?.text ?? "", ...evidence.filter((e) => e.kind !== "alert").map((e) => `${e.text} ${e.query ?? ""}`)].join("\n");

function describe(situation: Situation): string {
  const { cause, members } = situation;
  const speaking = members.filter((m) => m.role !== "symptom");
  return [
    cause ? `${cause.kind} ${cause.text}` : "",
    ...(speaking.length > 0 ? speaking : members).map(
      (m) => `${m.name} ${m.annotations["summary"] ?? ""} ${m.annotations["description"] ?? ""}`,
    ),
  ].join("\n");
}

const RISK = { low: 0, medium: 1, high: 2 } as const;
function compare(a: RunbookMatch, b: RunbookMatch): number {
  const actsOf = (match: RunbookMatch) => match.runbook.steps.filter(acts).length;
  if (Math.abs(a.score - b.score) > 1e-9) return b.score - a.score;
  return (
    RISK[a.runbook.risk] - RISK[b.runbook.risk] ||
    actsOf(a) - actsOf(b) ||
    (a.runbook.id < b.runbook.id ? -1 : a.runbook.id > b.runbook.id ? 1 : 0)
  );
}

function noneReason(runbooks: readonly Runbook[], { cause, members }: Situation): string {
  if (runbooks.length === 0) return "there are no runbooks";
  const names = [...new Set(members.map((m) => m.name))].slice(0, 3).join(", ") || "no alert";
  return `none of ${runbooks.length} runbooks answers ${cause ? `a cause of kind ${cause.kind} in ${cause.service}` : "an incident without a cause"} (${names})`;
}
