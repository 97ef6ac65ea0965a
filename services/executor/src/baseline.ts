// The value before the incident: what "good again" means. The median of a stretch that ends a minute before the first alert, since the trouble
// began before the alert told of it.
import type { Sample, SignalName } from "@tocsin/contracts";
import type { Check } from "@tocsin/runbooks";
import type { MetricsPort } from "@tocsin/signals";

const STRETCHES: readonly { readonly fromSeconds: number; readonly toSeconds: number }[] = [
  { fromSeconds: 900, toSeconds: 60 },
  // Where nothing is older, e.g. right after a start.
  { fromSeconds: 300, toSeconds: 15 },
];
const STEP_SECONDS = 15;
/** Fewer samples are no baseline. */
const MIN_SAMPLES = 3;
const DEADLINE_MS = 5_000;

export interface Baselines {
  signal(service: string, signal: SignalName): Promise<number | undefined>;
  promql(query: string): Promise<number | undefined>;
  /** The baseline of what a check asks; undefined for a check that compares with none. */
  of(check: Check): Promise<number | undefined>;
}

/** Baselines of one incident, each asked once. @param startedAt of the incident, Unix seconds */
export function baselinesBefore(metrics: MetricsPort, startedAt: number): Baselines {
  const known = new Map<string, Promise<number | undefined>>();
  const once = (key: string, ask: (window: { from: number; to: number }) => Promise<readonly Sample[]>) => {
    const asked =
      known.get(key) ??
      (async () => {
        for (const { fromSeconds, toSeconds } of STRETCHES) {
          const median = medianOf(await ask({ from: startedAt - fromSeconds, to: startedAt - toSeconds }));
          if (median !== undefined) return median;
        }
        return undefined;
      })();
    known.set(key, asked);
    return asked;
  };
  const baselines: Baselines = {
    signal: (service, signal) =>
      once(`${signal} ${service}`, async (window) => {
        const { value } = await metrics.signals([service], [signal], window, STEP_SECONDS, { deadlineMs: DEADLINE_MS });
        return value.flatMap((series) => series.samples);
      }),
    promql: (query) =>
      once(`promql ${query}`, async (window) => {
        const { value } = await metrics.queryRange(query, window, STEP_SECONDS, { deadlineMs: DEADLINE_MS });
        return value.flatMap((series) => series.samples);
      }),
    async of(check) {
      if (!check.baseline) return undefined;
      if (check.promql !== undefined) return baselines.promql(check.promql);
      return check.signal !== undefined && check.of !== undefined ? baselines.signal(check.of, check.signal) : undefined;
    },
  };
  return baselines;
}

function medianOf(samples: readonly Sample[]): number | undefined {
  const values = samples
    .map(([, value]) => value)
    .filter((value) => Number.isFinite(value))
    .sort((a, b) => a - b);
  if (values.length < MIN_SAMPLES) return undefined;
  const middle = values.length >> 1;
  return values.length % 2 === 1 ? values[middle] : ((values[middle - 1] as number) + (values[middle] as number)) / 2;
}
