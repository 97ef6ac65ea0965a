import { type Check, parseRunbook, type Runbook } from "@tocsin/runbooks";
import type { FakeSignals } from "./fake-signals.ts";

/** Values for a runbook's parameters when the service is `service`. */
export const parametersOf = (runbook: Runbook, service: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(runbook.parameters).map(([name, p]) => {
      if (p.type === "integer") return [name, String(p.min + 1)];
      return [name, name === "memory" ? "96m" : service];
    }),
  );

/** A value that passes a check when nothing is known of before. */
function passing(check: Check): number {
  const value = check.value ?? 0;
  if (check.op === ">") return value + Math.abs(value) * 0.05 + 0.001;
  return check.op === "<" ? value - Math.abs(value) * 0.05 - 0.001 : value;
}

/** Everything is as the preconditions want it and stays so; what only `verify` asks fails. */
export function stuck(signals: FakeSignals, runbook: Runbook, service: string): void {
  const checks = runbook.steps.flatMap((step) => step.precondition);
  // A check step in front of an act has to pass as well.
  checks.push(...runbook.steps.flatMap((step) => (step.verb === "check" ? (step.verify?.checks ?? []) : [])));
  const queries = new Map(
    checks.flatMap((check) =>
      check.promql === undefined ? [] : [[check.promql.replaceAll(/\{\{\w+\}\}/g, service), passing(check)] as const],
    ),
  );
  const values = Object.fromEntries(checks.flatMap((check) => (check.signal === undefined ? [] : [[check.signal, passing(check)]])));
  signals.now = () => ({ up: 0, error_ratio: 0.9, memory: 9e8, ...values });
  signals.before = () => ({});
  signals.promql = (query) => queries.get(query);
}

/**
 * A shipped runbook whose verification takes seconds instead of minutes; all else as it is shipped.
 *
 * @param times further times in its text, each with what stands for it here
 */
export function hastened(runbook: Runbook, soak = "300ms", within = "1500ms", times: readonly (readonly [string, string])[] = []): Runbook {
  const text = times
    .reduce((before, [long, short]) => before.replaceAll(long, short), runbook.text)
    .replaceAll(/soak: \S+/g, `soak: ${soak}`)
    .replaceAll(/within: \S+/g, `within: ${within}`);
  const { runbook: quick, problems } = parseRunbook(runbook.path, text);
  if (!quick) throw new Error(problems.map((problem) => problem.reason).join("; "));
  return quick;
}
