// Rules of correlation as people write them: YAML with the numbers of grouping and with what is always kept out of incidents. The same file is
// what the correlator runs with and what a backtest tries out.
import {
  type CorrelationConfig,
  compileMatcher,
  DEFAULT_CORRELATION,
  isTimeZone,
  type SuppressionRule,
  WEEKDAYS,
} from "@tocsin/correlation";
import { isNode, LineCounter, parseDocument } from "yaml";
import * as z from "zod";

export interface Rules {
  readonly correlation: CorrelationConfig;
  /** Held back for as long as the file says so. */
  readonly suppress: readonly SuppressionRule[];
}

/** Lines and columns count from 1. */
interface RuleProblem {
  readonly line: number;
  readonly column: number;
  readonly text: string;
}

export type ReadRules =
  | { readonly kind: "read"; readonly rules: Rules }
  | { readonly kind: "invalid"; readonly problems: readonly RuleProblem[] };

const weight = z.number().min(-1).max(1);
const seconds = z.number().positive();
const count = z.number().int().positive();
const some = <T extends z.ZodRawShape>(shape: T) => z.strictObject(shape).partial();

const Weights = some({
  ...Object.fromEntries(
    Object.entries(DEFAULT_CORRELATION.weights).flatMap(([name, value]) => (typeof value === "number" ? [[name, weight]] : [])),
  ),
  topology: z.array(weight).min(1).max(12),
  infrastructure: some(Object.fromEntries(Object.keys(DEFAULT_CORRELATION.weights.infrastructure).map((kind) => [kind, weight]))),
});
const WallClock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, "HH:MM, 00:00 to 23:59");
const Matcher = z.string().superRefine((text, context) => {
  const compiled = compileMatcher(text);
  if (compiled.kind === "invalid")
    context.addIssue({ code: "custom", message: `column ${compiled.column} of the matcher: ${compiled.message}` });
});
const RuleFile = z.strictObject({
  correlation: some({
    weights: Weights,
    joinAt: z.number().positive().max(5),
    mergeAt: z.number().positive().max(5),
    windowSeconds: seconds,
    maxWindowSeconds: seconds,
    staleSeconds: seconds,
    settleSeconds: seconds,
    flappingTransitions: count,
    flappingWindowSeconds: seconds,
    flappingHoldSeconds: seconds,
    maxHops: count.max(12),
    hubDependents: count,
    pairHalfLifeSeconds: seconds,
    pairMinimum: count,
  }).prefault({}),
  watchdogs: z.array(z.string().min(1)).optional(),
  suppress: z
    .array(
      z.strictObject({
        id: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, "lower-case letters, digits, '.', '_' and '-'"),
        matcher: Matcher,
        owner: z.string().min(1),
        reason: z.string().min(1),
        /** Absent: always. */
        weekly: z
          .strictObject({
            days: z.array(z.enum(WEEKDAYS)).min(1),
            from: WallClock,
            to: WallClock,
            timeZone: z.string().refine(isTimeZone, "no such time zone; give an IANA name such as Europe/Vienna"),
          })
          .optional(),
      }),
    )
    .default([])
    .superRefine((rules, context) => {
      const seen = new Set<string>();
      for (const [index, { id }] of rules.entries()) {
        if (seen.has(id)) context.addIssue({ code: "custom", message: `there is a rule ${id} already`, path: [index, "id"] });
        seen.add(id);
      }
    }),
});

/** Always: every day from midnight to midnight. */
const ALWAYS = { days: WEEKDAYS, from: "00:00", to: "00:00", timeZone: "UTC" } as const;

/** Reads a rule file; what it does not say is as in `base`. Every problem is told at once, with its place. */
export function readRules(text: string, base: CorrelationConfig = DEFAULT_CORRELATION): ReadRules {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const placed = (offset: number, message: string): RuleProblem => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col), text: message };
  };
  if (document.errors.length > 0)
    return { kind: "invalid", problems: document.errors.map(({ pos, message }) => placed(pos[0], message.split("\n")[0] as string)) };
  const parsed = RuleFile.safeParse(document.toJS({ maxAliasCount: 100 }) ?? {});
  if (!parsed.success) {
    const problems = parsed.error.issues.flatMap((issue) => {
      const names = issue.code === "unrecognized_keys" ? issue.keys : [undefined];
      return names.map((name) => {
        const path = [...issue.path, ...(name === undefined ? [] : [name])];
        const said = name === undefined ? issue.message : "there is no such setting";
        return placed(offsetOf(document, path), `${path.join(".") || "the file"}: ${said}`);
      });
    });
    return { kind: "invalid", problems: problems.sort((a, b) => a.line - b.line || a.column - b.column) };
  }
  return { kind: "read", rules: over(base, parsed.data) };
}

/** The rules of a text that was checked before. @throws Error when it was not */
export function rulesOf(text: string, base: CorrelationConfig): Rules {
  const read = readRules(text, base);
  if (read.kind === "read") return read.rules;
  throw new Error(read.problems.map((problem) => `${problem.line}:${problem.column}: ${problem.text}`).join("; "));
}

/** Where a path is in the text, or the nearest thing around it that is there. */
function offsetOf(document: ReturnType<typeof parseDocument>, path: readonly PropertyKey[]): number {
  for (let length = path.length; length >= 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return 0;
}

const MS_OF_SECONDS = {
  windowSeconds: "windowMs",
  maxWindowSeconds: "maxWindowMs",
  staleSeconds: "staleMs",
  settleSeconds: "settleMs",
  flappingWindowSeconds: "flappingWindowMs",
  flappingHoldSeconds: "flappingHoldMs",
  pairHalfLifeSeconds: "pairHalfLifeMs",
} as const;

/** What a file says over what it leaves as it is. */
function over(base: CorrelationConfig, { correlation, watchdogs, suppress }: z.output<typeof RuleFile>): Rules {
  const { weights, ...numbers } = correlation;
  const own = Object.entries(numbers).map(([name, value]) =>
    name in MS_OF_SECONDS ? [MS_OF_SECONDS[name as keyof typeof MS_OF_SECONDS], (value as number) * 1_000] : [name, value],
  );
  return {
    correlation: {
      ...base,
      ...Object.fromEntries(own),
      weights: { ...base.weights, ...weights, infrastructure: { ...base.weights.infrastructure, ...weights?.infrastructure } },
      ...(watchdogs === undefined ? {} : { watchdogNames: watchdogs }),
    },
    suppress: suppress.map(({ weekly, ...rule }) => ({
      ...rule,
      kind: "rule",
      schedule: { kind: "weekly", ...(weekly ?? ALWAYS) },
    })),
  };
}
