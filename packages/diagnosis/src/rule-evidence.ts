// Terms. A *rule* is an alert's own expression, measured over the window with its comparison taken off, one series per set of labels. It
// *crosses* where it is beyond its threshold. Somebody drew that line for that service: no fact about it is stronger.
import type { Sample } from "@tocsin/contracts";
import type { DiagnosisWindow, RuleSeries } from "./input.ts";
import { clamp, medianOf } from "./robust.ts";
import { SIGNAL_TRAITS } from "./signal-traits.ts";

/** A rule's series that was beyond its threshold during the incident. */
export interface RuleFinding {
  readonly rule: RuleSeries;
  /** Unix seconds of the first sample of the last stretch beyond the threshold. */
  readonly onsetAt: number;
  /** The typical value before; undefined when there was none. */
  readonly before: number | undefined;
  /** The typical value beyond the threshold. */
  readonly level: number;
  /** How many times the threshold; absent where the threshold is 0 or is no number. */
  readonly factor?: number;
  /** Share of the time before the incident in which it was beyond its threshold as well: 1 is a rule that always fires. */
  readonly chronic: number;
  readonly strength: number;
}

/** What a rule of a resource, a crash or an outage says at least: only the service itself can cause these. */
const OWN_STRENGTH = 3;
/** A symptom beyond its line says less: who shows it need not be who causes it. */
const SYMPTOM_STRENGTH = 1.2;
const MOST_FOR_FACTOR = 2;
const RECENT_SECONDS = 60;
/** From here on a rule is as much part of the baseline as of the incident. */
const CHRONIC = 0.8;

/** Pure: which rules' series crossed their thresholds, and by how much. NaN and infinities are gaps. */
export function findRuleCrossings(rules: readonly RuleSeries[], window: DiagnosisWindow): RuleFinding[] {
  const findings: RuleFinding[] = [];
  for (const rule of rules) {
    const found = judgeRule(rule, window);
    if (found) findings.push(found);
  }
  return findings;
}

function judgeRule(rule: RuleSeries, { splitAt, to }: DiagnosisWindow): RuleFinding | undefined {
  const isBeyond = beyondOf(rule);
  const known = rule.samples.filter(([at, value]) => Number.isFinite(value) && at < to);
  const before = known.filter(([at]) => at < splitAt);
  const during = known.filter(([at]) => at >= splitAt);
  const beyond = during.filter(([, value]) => isBeyond(value));
  if (beyond.length === 0) return undefined;
  const level = medianOf(beyond.map(([, value]) => value));
  const shareBeyond = (samples: readonly Sample[]) => samples.filter(([, value]) => isBeyond(value)).length / Math.max(1, samples.length);
  // What was over well before this incident is another one's; what began shortly before it had not begun.
  const chronic = Math.min(shareBeyond(before), shareBeyond(before.filter(([at]) => at >= splitAt - RECENT_SECONDS)));
  const factor = factorOf(rule, level);
  const isOwn = rule.signal !== undefined && SIGNAL_TRAITS[rule.signal].spreads === "own";
  // A line far behind says more than one that was just crossed, on the scale of all findings: double is one unit.
  const distance = factor === undefined || !Number.isFinite(factor) ? 0 : clamp(Math.log2(factor), 0, MOST_FOR_FACTOR);
  const full = (isOwn ? OWN_STRENGTH : SYMPTOM_STRENGTH) + distance;
  return {
    rule,
    onsetAt: onsetOf(during, isBeyond),
    before: before.length === 0 ? undefined : medianOf(before.map(([, value]) => value)),
    level,
    ...(factor === undefined ? {} : { factor }),
    chronic,
    strength: full * (chronic >= CHRONIC ? 0.1 : 1 - chronic),
  };
}

/** Beyond the threshold; a rule without one, or whose expression could not be taken apart, has a value only while it fires. */
function beyondOf({ threshold }: RuleSeries): (value: number) => boolean {
  if (!threshold) return () => true;
  const { op, value: limit } = threshold;
  switch (op) {
    case ">":
      return (value) => value > limit;
    case ">=":
      return (value) => value >= limit;
    case "<":
      return (value) => value < limit;
    case "<=":
      return (value) => value <= limit;
    case "==":
      return (value) => value === limit;
    case "!=":
      return (value) => value !== limit;
    default:
      return () => true;
  }
}

function factorOf({ threshold }: RuleSeries, level: number): number | undefined {
  if (!threshold || threshold.value === 0 || level === 0) return undefined;
  if (threshold.op.startsWith(">")) return level / threshold.value;
  return threshold.op.startsWith("<") ? threshold.value / level : undefined;
}

/** Where the last stretch beyond the threshold began. */
function onsetOf(during: readonly Sample[], isBeyond: (value: number) => boolean): number {
  let last = during.length - 1;
  while (last >= 0 && !isBeyond((during[last] as Sample)[1])) last--;
  let first = last;
  while (first > 0 && isBeyond((during[first - 1] as Sample)[1])) first--;
  return (during[first] as Sample)[0];
}

/** Pure: the unit of a rule's value. Rules write a share as 0.05 or as 5, and times in seconds or milliseconds. */
export function unitOfRule({ signal, metrics, threshold }: RuleSeries): string {
  if (signal === undefined || signal === "up" || signal === "restarts") return "";
  const { unit } = SIGNAL_TRAITS[signal];
  if (unit === "ratio") return threshold && Math.abs(threshold.value) > 1 ? "%" : "ratio";
  if (unit === "s" && metrics.some((metric) => /milliseconds|_ms\b|_ms_/.test(metric))) return "ms";
  if (unit === "B" && threshold && Math.abs(threshold.value) <= 100) return "";
  return unit;
}
