import type { LogLine } from "@tocsin/contracts";
import type { LogPatternCounts, LogReach } from "./input.ts";
import { clamp } from "./robust.ts";
import { createTemplateMiner, type Template, type TemplateMinerOptions } from "./templates.ts";

/** How a template of one service behaves in the incident against the baseline. */
export interface LogFinding {
  readonly service: string;
  readonly kind: "new" | "burst" | "vanished";
  readonly level: LogLine["level"];
  readonly template: string;
  /** Lines in the baseline and in the incident. */
  readonly before: number;
  readonly after: number;
  /** Unix seconds of the first line in the incident; the split for a vanished template. */
  readonly onsetAt: number;
  readonly strength: number;
  /** A known service that the line names, other than the one that wrote it: it complains about somebody else. */
  readonly blames?: string;
}

const RANK: Readonly<Record<LogLine["level"], number>> = { debug: 0, info: 1, warn: 2, error: 3 };
/** How much a finding of a level counts: anybody logs new information, few log new errors. */
const LEVEL_WEIGHT: Readonly<Record<LogLine["level"], number>> = { debug: 0.1, info: 0.25, warn: 0.6, error: 1 };
const FAILURE =
  /\b(error|exception|fail(ed|ure|s)?|fatal|panic|refused|timed? ?out|timeout|unavailable|oom|killed|crash(ed)?|abort(ed)?|denied|invalid)\b/i;

interface Tally {
  readonly template: Template;
  readonly service: string;
  level: LogLine["level"];
  before: number;
  after: number;
  firstAfter: number;
}

/**
 * Pure: templates that are new, burst (three times the baseline's rate and twenty lines, practice G.3) or fell silent, per service. Lines
 * may come in any order of services; those of one service in ascending time.
 */
export function findLogChanges(
  lines: readonly LogLine[],
  window: { readonly from: number; readonly splitAt: number; readonly to: number },
  services: ReadonlySet<string>,
  { reach = [], ...options }: TemplateMinerOptions & { readonly reach?: readonly LogReach[] } = {},
): LogFinding[] {
  const reachOf = new Map(reach.map((each) => [each.service, each]));
  const miners = new Map<string, ReturnType<typeof createTemplateMiner>>();
  const tallies = new Map<string, Map<number, Tally>>();
  const firstLine = new Map<string, number>();
  for (const line of lines) {
    if (!(line.at >= window.from && line.at < window.to)) continue;
    let miner = miners.get(line.service);
    let own = tallies.get(line.service);
    if (!miner || !own) {
      miner = createTemplateMiner(options);
      own = new Map();
      miners.set(line.service, miner);
      tallies.set(line.service, own);
      firstLine.set(line.service, line.at);
    }
    const template = miner.add(line.message);
    let tally = own.get(template.id);
    if (!tally) {
      tally = { template, service: line.service, level: line.level, before: 0, after: 0, firstAfter: Number.NaN };
      own.set(template.id, tally);
    }
    if (RANK[line.level] > RANK[tally.level]) tally.level = line.level;
    if (line.at < window.splitAt) tally.before++;
    else {
      if (tally.after === 0) tally.firstAfter = line.at;
      tally.after++;
    }
  }
  const findings: LogFinding[] = [];
  for (const [service, own] of tallies) {
    // A source that keeps only the newest lines may not reach back to the start of the window: rates count from its first line.
    const told = reachOf.get(service);
    const beforeSeconds = window.splitAt - Math.max(window.from, told?.before ?? firstLine.get(service) ?? window.from);
    const afterSeconds = window.to - Math.max(window.splitAt, told?.after ?? window.splitAt);
    for (const tally of own.values()) {
      const finding = judge({ ...tally, text: tally.template.text }, beforeSeconds, afterSeconds, window.splitAt, services);
      if (finding) findings.push(finding);
    }
  }
  return findings.sort(
    (a, b) => b.strength - a.strength || (a.service < b.service ? -1 : a.service > b.service ? 1 : a.onsetAt - b.onsetAt),
  );
}

const GENERAL = "<*>";
const generalised = (text: string): string => text.replace(/<[^<>\s]*>/g, GENERAL);

/** Do two templates, however they write what varies, come from one statement? */
function isSameStatement(a: string, b: string): boolean {
  const [left, right] = [generalised(a).split(/\s+/), generalised(b).split(/\s+/)];
  return (
    left.length === right.length &&
    left.every((token, index) => token === right[index] || token.includes(GENERAL) || right[index]?.includes(GENERAL))
  );
}

/**
 * Pure: the same over the counts of a log server's own patterns, which cover the whole window. What the lines have told already is left
 * out.
 *
 * @param known what was found in the lines
 */
export function findPatternChanges(
  patterns: readonly LogPatternCounts[],
  window: { readonly from: number; readonly splitAt: number; readonly to: number },
  services: ReadonlySet<string>,
  known: readonly LogFinding[],
): LogFinding[] {
  const findings: LogFinding[] = [];
  const sum = (list: LogPatternCounts["samples"]) => list.reduce((total, [, count]) => total + count, 0);
  for (const { service, pattern, samples } of patterns) {
    const inside = samples.filter(([at, count]) => at >= window.from && at < window.to && count > 0);
    const after = inside.filter(([at]) => at >= window.splitAt);
    const counted: Counted = {
      text: pattern,
      service,
      // A pattern has no level of its own: its words are all there is.
      level: FAILURE.test(pattern) ? "error" : "info",
      before: sum(inside) - sum(after),
      after: sum(after),
      firstAfter: after[0]?.[0] ?? Number.NaN,
    };
    const finding = judge(counted, window.splitAt - window.from, window.to - window.splitAt, window.splitAt, services);
    if (finding && !known.some((each) => each.service === service && isSameStatement(each.template, pattern))) findings.push(finding);
  }
  return findings;
}

/** How often one statement wrote before and during the incident. */
interface Counted {
  readonly text: string;
  readonly service: string;
  readonly level: LogLine["level"];
  readonly before: number;
  readonly after: number;
  readonly firstAfter: number;
}

function judge(
  tally: Counted,
  beforeSeconds: number,
  afterSeconds: number,
  splitAt: number,
  services: ReadonlySet<string>,
): LogFinding | undefined {
  const { before, after } = tally;
  const expected = beforeSeconds > 0 ? (before / beforeSeconds) * afterSeconds : 0;
  const { text } = tally;
  const isFailure = RANK[tally.level] >= 2 || FAILURE.test(text);
  let kind: LogFinding["kind"];
  let strength: number;
  if (before === 0 && beforeSeconds > 0 && after > 0 && (isFailure || after >= 3)) {
    kind = "new";
    strength = 1 + Math.log2(1 + after) / 3;
  } else if (after >= 20 && after >= 3 * Math.max(1, expected)) {
    kind = "burst";
    strength = Math.log2(after / Math.max(1, expected)) / 1.5;
  } else if (after === 0 && expected >= 10) {
    kind = "vanished";
    strength = 0.5 + Math.log2(expected / 10) / 4;
  } else return undefined;
  const weight = kind === "vanished" ? 0.4 : Math.max(LEVEL_WEIGHT[tally.level], FAILURE.test(text) ? 0.6 : 0);
  const blames = isFailure ? blamed(text, tally.service, services) : undefined;
  return {
    service: tally.service,
    kind,
    level: tally.level,
    template: text,
    before,
    after,
    onsetAt: kind === "vanished" ? splitAt : tally.firstAfter,
    strength: clamp(strength * weight, 0, 4),
    ...(blames === undefined ? {} : { blames }),
  };
}

/** The first known service that the text names as a word, other than its own. */
function blamed(text: string, own: string, services: ReadonlySet<string>): string | undefined {
  for (const word of text.split(/[^A-Za-z0-9_-]+/)) if (word !== own && services.has(word)) return word;
  return undefined;
}
