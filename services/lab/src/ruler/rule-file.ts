import { readFileSync } from "node:fs";
import { messageOf } from "@tocsin/runtime";
import { parse } from "yaml";
import * as z from "zod";
import { rulesInvalid } from "../errors.ts";
import { unknownFunctions } from "./template.ts";

export interface AlertRule {
  readonly name: string;
  readonly expr: string;
  /** How long the expression must hold before the alert fires. */
  readonly forMs: number;
  /** How long it still fires after the expression has ceased to hold. */
  readonly keepFiringMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}
export interface RuleGroup {
  readonly name: string;
  readonly intervalMs: number;
  readonly rules: readonly AlertRule[];
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};

/** Prometheus' durations, e.g. `5s` or `1h30m`. @returns milliseconds; undefined when it is none */
export function durationMs(text: string): number | undefined {
  if (text === "0") return 0;
  if (!/^(\d+(ms|[smhdwy]))+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+)(ms|[smhdwy])/g)) sum += Number(amount) * (UNIT_MS[unit as string] as number);
  return sum;
}

const Duration = z.string().transform((text, context) => {
  const ms = durationMs(text);
  if (ms !== undefined) return ms;
  context.addIssue({ code: "custom", message: `${JSON.stringify(text)} is not a duration such as 30s or 5m` });
  return z.NEVER;
});
const Template = z.string().superRefine((text, context) => {
  const unknown = unknownFunctions(text);
  if (unknown.length > 0) context.addIssue({ code: "custom", message: `the template cannot be read at: ${unknown.join(", ")}` });
});
const Rule = z.strictObject({
  alert: z.string().min(1),
  expr: z.coerce.string().min(1),
  for: Duration.default(0),
  keep_firing_for: Duration.default(0),
  labels: z.record(z.string(), Template).default({}),
  annotations: z.record(z.string(), Template).default({}),
});
const RuleFile = z.strictObject({
  groups: z.array(z.strictObject({ name: z.string().min(1), interval: Duration.default(60_000), rules: z.array(Rule).min(1) })).min(1),
});

/**
 * Reads a rule file of Prometheus: groups of alerting rules. Recording rules are refused by name.
 *
 * @param file shown in errors
 * @throws AppError `LAB_RULES_INVALID` with the path inside the file and the reason
 */
export function parseRules(text: string, file: string): readonly RuleGroup[] {
  let content: unknown;
  try {
    content = parse(text);
  } catch (error) {
    throw rulesInvalid(file, messageOf(error));
  }
  const parsed = RuleFile.safeParse(content);
  if (!parsed.success) throw rulesInvalid(file, z.prettifyError(parsed.error));
  return parsed.data.groups.map((group) => ({
    name: group.name,
    intervalMs: group.interval,
    rules: group.rules.map((rule) => ({
      name: rule.alert,
      expr: rule.expr.trim(),
      forMs: rule.for,
      keepFiringMs: rule.keep_firing_for,
      labels: rule.labels,
      annotations: rule.annotations,
    })),
  }));
}

/** @throws AppError `LAB_RULES_INVALID` also when the file cannot be read */
export function readRules(file: string): readonly RuleGroup[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw rulesInvalid(file, messageOf(error));
  }
  return parseRules(text, file);
}
