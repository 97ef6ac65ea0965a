// Terms. A *runbook* is a Markdown text: *front matter* says when it fits and what it needs, prose tells a person how to do it by hand,
// and fenced `yaml step` blocks tell the machine. A *step* is one typed *verb*; it *acts* when it changes something. An acting step names
// its *undo* or says that it is irreversible; whether the undo is a true inverse is derived (reversibility.ts), never believed. A
// *check* asks a signal, PromQL or LogQL; a *precondition* is checked before the act and *verify* after it, for a *soak* time.
import { CauseKind, SignalName } from "@tocsin/contracts";
import * as z from "zod";

const DURATION = /^([1-9]\d{0,5})(ms|s|m|h)$/;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds of a duration such as `90s`; NaN when it is none. */
export function durationMs(text: string): number {
  const [, amount, unit] = DURATION.exec(text) ?? [];
  return Number(amount) * (UNIT_MS[unit ?? ""] ?? Number.NaN);
}

const Duration = z.string().regex(DURATION, "a duration is a whole number with ms, s, m or h, e.g. 90s");
const Id = z
  .string()
  .max(63)
  .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, "an id is lower-case words joined by single dashes");

export const Autonomy = z
  .enum(["L0", "L1", "L2", "L3"])
  .describe("L0 observe, L1 propose, L2 act after an approval, L3 act within limits and notify");
export type Autonomy = z.output<typeof Autonomy>;
export const Risk = z.enum(["low", "medium", "high"]);
export type Risk = z.output<typeof Risk>;

const ParameterBase = {
  description: z.string().optional(),
  maxLength: z.number().int().min(1).max(253).default(63),
  pattern: z.string().min(3).describe("anchored with ^ and $; the whole value has to match"),
  origin: z
    .union([z.literal("cause.service"), z.literal("operator"), z.string().regex(/^alert\.label\.[a-zA-Z_][a-zA-Z0-9_]*$/)])
    .describe("cause.service, alert.label.<label>, or operator (a person gives it)"),
  default: z.string().min(1).optional(),
};
export const Parameter = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("name").describe("a service or object name"), ...ParameterBase }),
  z.strictObject({ type: z.literal("string"), ...ParameterBase }),
  z.strictObject({ type: z.literal("integer"), ...ParameterBase, min: z.number().int(), max: z.number().int() }),
]);
export type Parameter = z.output<typeof Parameter>;

const LabelMatchers = z
  .record(z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/), z.string().min(1))
  .refine((matchers) => Object.keys(matchers).length > 0, "an empty matcher would match every alert")
  .describe("label → value; a value between slashes is a regular expression that has to match all of the label's value");

export const FrontMatter = z.strictObject({
  id: Id.describe("equal to the file's name without .md"),
  title: z.string().min(3).max(120),
  matches: z
    .strictObject({
      alerts: z.array(LabelMatchers).max(40).default([]),
      causes: z.array(CauseKind).default([]),
      signatures: z.array(z.string().min(3)).max(40).default([]).describe("regular expressions looked for in the cause and its evidence"),
      recentChange: z
        .boolean()
        .optional()
        .describe("true: only after a deployment or a change of configuration of the cause's service; false: only without one"),
    })
    .refine((m) => m.alerts.length + m.causes.length + m.signatures.length > 0, "a runbook that matches nothing is never found"),
  parameters: z.record(z.string().regex(/^[a-z][a-zA-Z0-9]{0,31}$/), Parameter).default({}),
  risk: Risk,
  autonomy: Autonomy.describe("the most that this runbook may be allowed; the policy may allow less"),
  tags: z.array(Id).default([]),
});
export type FrontMatter = z.output<typeof FrontMatter>;

export const Check = z
  .strictObject({
    signal: SignalName.optional(),
    of: z.string().min(1).optional().describe("whose signal; default the step's target"),
    promql: z.string().min(1).max(2_000).optional().describe("every series of the answer has to pass, and there has to be one"),
    logql: z.string().min(1).max(2_000).optional().describe('count_over_time({service="…"} |= "…" [1m])'),
    op: z.enum(["<", "<=", ">", ">=", "=="]),
    value: z.number().optional().describe("what to compare with; with a baseline, what to compare with when none is known"),
    baseline: z
      .strictObject({ times: z.number().positive().default(1), plus: z.number().default(0) })
      .optional()
      .describe("compare with the value before the incident, times and plus"),
    missing: z.enum(["pass", "fail"]).default("fail").describe("what no data means; a service without requests has no error ratio"),
  })
  .refine(
    (c) => [c.signal, c.promql, c.logql].filter((x) => x !== undefined).length === 1,
    "a check asks exactly one of signal, promql, logql",
  )
  .refine((c) => c.value !== undefined || c.baseline !== undefined, "a check compares with a value, a baseline or both")
  .refine((c) => c.logql === undefined || c.baseline === undefined, "a logql check compares with a value only")
  .refine((c) => c.of === undefined || c.signal !== undefined, "`of` belongs to a signal");
export type Check = z.output<typeof Check>;

export const Verify = z.strictObject({
  checks: z.array(Check).min(1).max(20),
  soak: Duration.default("10s").describe("how long all checks have to hold without a break"),
  within: Duration.default("90s").describe("when they do not hold by then, the step did not help"),
});
export type Verify = z.output<typeof Verify>;

const CONFIG_NAME = /^[a-zA-Z][a-zA-Z0-9_.-]{0,62}$/;
const Target = z.string().min(1).max(100).describe("a target's name or a whole placeholder, never a pattern");
const VERB_ARGUMENTS = {
  "target.restart": z.strictObject({ target: Target }),
  "target.start": z.strictObject({ target: Target }),
  "target.stop": z.strictObject({ target: Target }),
  "target.rollback": z.strictObject({
    target: Target,
    toRevision: z.string().min(1).optional().describe("default: the revision before"),
  }),
  "target.scale": z.strictObject({ target: Target, replicas: z.union([z.number().int().min(1).max(100), z.string().min(1)]) }),
  "target.config": z.strictObject({
    target: Target,
    name: z
      .string()
      .regex(CONFIG_NAME, "a name of a configuration value, e.g. POOL_SIZE or memory")
      .describe("one of those that the target's owner allows to be set"),
    value: z.string().min(1).max(200).nullable().describe("null: no value of its own, as if it had never been set"),
  }),
  "target.recreate": z.strictObject({ target: Target }),
  "target.reconnect": z.strictObject({ target: Target }),
  "target.logs": z.strictObject({ target: Target, tail: z.number().int().min(1).max(2_000).default(100), since: Duration.default("5m") }),
  "target.stats": z.strictObject({ target: Target }),
  "container.run": z.strictObject({
    image: z
      .string()
      .regex(/^(?:[a-z0-9][a-z0-9._/:-]{0,200}@)?sha256:[0-9a-f]{64}$/, "an image is pinned: name@sha256:… or a local id sha256:…"),
    argv: z.array(z.string().min(1).max(1_000)).min(1).max(64).describe("an argument array; no shell reads it"),
    env: z.record(z.string().regex(/^[A-Z_][A-Z0-9_]{0,63}$/), z.string().max(1_000)).default({}),
    network: z
      .string()
      .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/)
      .optional()
      .describe("default: none"),
  }),
  "http.request": z.strictObject({
    method: z.enum(["GET", "HEAD", "POST", "PUT", "DELETE"]),
    url: z.string().max(2_000).describe("its origin is literal and has to be on the executor's allow list"),
    body: z.string().max(10_000).optional(),
    expect: z.array(z.number().int().min(100).max(599)).min(1).default([200, 201, 202, 204]).describe("statuses that mean success"),
  }),
  wait: z.strictObject({ for: Duration }),
  check: z.strictObject({}).default({}),
  notify: z.strictObject({ text: z.string().min(1).max(2_000) }),
  ask: z.strictObject({ question: z.string().min(1).max(500) }),
} as const;
export type Verb = keyof typeof VERB_ARGUMENTS;
type Arguments<V extends Verb> = z.output<(typeof VERB_ARGUMENTS)[V]>;

/** A verb with its arguments: what a step does, and what an undo does. */
export type Deed = { [V in Verb]: { readonly verb: V; readonly with: Arguments<V> } }[Verb];
export const VERBS = Object.keys(VERB_ARGUMENTS) as readonly Verb[];

const deed = <V extends Verb, More extends z.ZodRawShape>(verb: V, more: More) =>
  z.strictObject({ verb: z.literal(verb), with: VERB_ARGUMENTS[verb], ...more });

const UNDO_VERBS = [
  "target.restart",
  "target.start",
  "target.stop",
  "target.rollback",
  "target.scale",
  "target.config",
  "container.run",
  "http.request",
] as const;
const Undo = z.union([
  z
    .literal("none-required")
    .describe("only for a verb that leaves the target as it was declared: restart, recreate, reconnect, or a container without network"),
  z.discriminatedUnion("verb", [
    deed(UNDO_VERBS[0], {}),
    deed(UNDO_VERBS[1], {}),
    deed(UNDO_VERBS[2], {}),
    deed(UNDO_VERBS[3], {}),
    deed(UNDO_VERBS[4], {}),
    deed(UNDO_VERBS[5], {}),
    deed(UNDO_VERBS[6], {}),
    deed(UNDO_VERBS[7], {}),
  ]),
]);
export type Undo = "none-required" | Deed;

const COMMON = {
  id: Id,
  precondition: z.array(Check).max(20).default([]).describe("all have to hold before the step begins"),
  verify: Verify.optional(),
  timeout: Duration.default("60s"),
  undo: Undo.optional(),
  irreversible: z.literal(true).optional().describe("no undo exists: always asks for an approval"),
};

export const Step = z.discriminatedUnion("verb", [
  deed("target.restart", COMMON),
  deed("target.start", COMMON),
  deed("target.stop", COMMON),
  deed("target.rollback", COMMON),
  deed("target.scale", COMMON),
  deed("target.config", COMMON),
  deed("target.recreate", COMMON),
  deed("target.reconnect", COMMON),
  deed("target.logs", COMMON),
  deed("target.stats", COMMON),
  deed("container.run", COMMON),
  deed("http.request", COMMON),
  deed("wait", COMMON),
  deed("check", COMMON),
  deed("notify", COMMON),
  deed("ask", COMMON),
]);
export type Step = z.output<typeof Step>;

/** A runbook that parsed and linted without an error. */
export interface Runbook extends FrontMatter {
  /** Relative to the runbooks folder, e.g. `lab/memory-leak.md`. */
  readonly path: string;
  /** Over the whole text: any change of any character is another runbook to an approval. */
  readonly digest: string;
  readonly steps: readonly Step[];
  /** The whole text, as a person reads it. */
  readonly text: string;
}

/** Why a runbook is not accepted, or what its author should look at. */
export interface RunbookProblem {
  readonly file: string;
  /** 1 for the first. */
  readonly line: number;
  readonly reason: string;
  readonly level: "error" | "warning";
}

/** The JSON schema of a front matter or a step for editors: what `runbooks/runbook.schema.json` holds. */
export const runbookJsonSchema = (): object => ({
  $id: "https://tocsin.dev/schemas/runbook.schema.json",
  title: "Tocsin runbook: its front matter, or one fenced `yaml step` block",
  ...z.toJSONSchema(z.union([FrontMatter, Step]), { io: "input", reused: "ref" }),
});
