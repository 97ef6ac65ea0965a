import { type Check, type CheckResult, countLines, type Health, judgeCheck, parseLogql, type Reading } from "@tocsin/runbooks";
import type { Clock } from "@tocsin/runtime";
import type { Signals } from "@tocsin/signals";
import type { Baselines } from "./baseline.ts";

const DEADLINE_MS = 4_000;
const MAX_LINES = 2_000;

export interface Asker {
  /** Asks every check now, in their order. What cannot be asked has no data. */
  checks(checks: readonly Check[]): Promise<readonly CheckResult[]>;
  /** The health of a target now. */
  health(target: string): Promise<Health>;
}

export function createAsker(signals: Signals, baselines: Baselines, clock: Clock): Asker {
  async function read(check: Check): Promise<readonly number[]> {
    const options = { deadlineMs: DEADLINE_MS };
    if (check.promql !== undefined) {
      const { value } = await signals.metrics.query(check.promql, undefined, options);
      return value.flatMap((series) => series.samples.at(-1)?.[1] ?? []);
    }
    if (check.logql !== undefined) {
      const query = parseLogql(check.logql);
      if (query.kind === "refused") return [];
      const to = clock.now() / 1_000;
      const window = { from: to - query.windowMs / 1_000, to };
      const { value, partial } = await signals.logs.lines(query.service, window, MAX_LINES, options);
      // No line is an answer, unless the source could not be asked.
      return value.length === 0 && partial.length > 0
        ? []
        : [
            countLines(
              query,
              value.map((line) => line.message),
            ),
          ];
    }
    const { value } = await signals.metrics.current(check.of as string, check.signal as NonNullable<Check["signal"]>, options);
    return value === undefined ? [] : [value];
  }

  return {
    checks: (checks) =>
      Promise.all(
        checks.map(async (check) => {
          const [values, baseline] = await Promise.all([read(check).catch(() => []), baselines.of(check).catch(() => undefined)]);
          const reading: Reading = { values, ...(baseline === undefined ? {} : { baseline }) };
          return judgeCheck(check, reading);
        }),
      ),
    async health(target) {
      const ask = async (signal: "up" | "error_ratio" | "latency_p95") =>
        (await signals.metrics.current(target, signal, { deadlineMs: DEADLINE_MS }).catch(() => undefined))?.value;
      const [up, errorRatio, latencyP95] = await Promise.all([ask("up"), ask("error_ratio"), ask("latency_p95")]);
      return {
        ...(up === undefined ? {} : { up }),
        ...(errorRatio === undefined ? {} : { errorRatio }),
        ...(latencyP95 === undefined ? {} : { latencyP95 }),
      };
    },
  };
}
