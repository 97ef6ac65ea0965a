// Asking a contrast query and judging the answer. Only a plain contradiction counts: silence, a source that is away and a doubtful answer leave
// everything as it is.
import type { EdgeStats, Evidence, LogLine, SignalName, SignalSeries } from "@tocsin/contracts";
import { detectAnomaly, figure, maskLine, SIGNAL_TRAITS } from "@tocsin/diagnosis";
import type { ContrastQuery } from "./contrast-queries.ts";

/** Unix seconds. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/** Where the answers come from: the sources themselves, or what was kept of an old round. Undefined where nothing is known. */
export interface ContrastSource {
  series(service: string, signal: SignalName, window: Span): Promise<SignalSeries | undefined>;
  logs(service: string, window: Span): Promise<readonly LogLine[] | undefined>;
  edges(window: Span): Promise<readonly EdgeStats[] | undefined>;
}

export interface ContrastResult {
  readonly query: string;
  /** `contradicted`: what would not be if the candidate were the cause, is. */
  readonly verdict: "contradicted" | "upheld" | "silent";
  readonly text: string;
  readonly evidence?: Evidence;
}

export interface ContrastWindow {
  readonly from: number;
  readonly splitAt: number;
  readonly to: number;
}

/** Share of the way from the baseline to the worst that may be left when a signal counts as back. */
const BACK = 0.2;
const FRESH_SAMPLES = 4;
const LEAST_SAMPLES = 6;
/** An earlier window with this share of the incident's rate of a line makes the line nothing new. */
const AS_OFTEN = 0.8;
const LEAST_CALLS = 20;
const HEALTHY_ERRORS = 0.01;
const HEALTHY_SLOWDOWN = 1.2;

/** Asks one query and judges it. Never throws for a source. */
export async function askContrast(
  query: ContrastQuery,
  source: ContrastSource,
  window: ContrastWindow,
  mint: (content: string) => string,
): Promise<ContrastResult> {
  const result = (verdict: ContrastResult["verdict"], text: string, kind?: Evidence["kind"], series?: SignalSeries): ContrastResult => ({
    query: query.id,
    verdict,
    text,
    ...(kind === undefined
      ? {}
      : {
          evidence: {
            id: mint(`contrast|${query.kind}|${query.service}|${text}`),
            kind,
            service: query.service,
            text,
            ...(series === undefined ? {} : { query: series.query }),
          },
        }),
  });
  const silent = (why: string) => result("silent", `${query.text} Nothing is known: ${why}.`);
  try {
    switch (query.kind) {
      case "signal-now": {
        const series = await source.series(query.service, query.signal, { from: window.splitAt, to: window.to });
        // The last samples, well after it began: all of them have to be back, for a signal that swings is not over.
        const since = (series?.samples ?? []).filter(([at, value]) => at >= query.onsetAt && Number.isFinite(value));
        const fresh = since.slice(-FRESH_SAMPLES).map(([, value]) => value);
        if (since.length < 2 * FRESH_SAMPLES) return silent("it has not lasted long enough to tell");
        const now = query.direction === "up" ? Math.max(...fresh) : Math.min(...fresh);
        const { words, unit } = SIGNAL_TRAITS[query.signal];
        const left = (now - query.baseline) / (query.level - query.baseline || 1);
        const figures = `${figure(now, unit)} at the end, ${figure(query.level, unit)} at its worst, ${figure(query.baseline, unit)} before`;
        return left <= BACK
          ? result("contradicted", `${query.service}: ${words} is back while alerts still fire: ${figures}.`, "metric", series)
          : result("upheld", `${query.service}: ${words} is still off: ${figures}.`, "metric", series);
      }
      case "logs-before": {
        const length = window.to - window.splitAt;
        const lines = await source.logs(query.service, { from: window.from - length, to: window.from });
        if (lines === undefined || lines.length === 0) return silent("there are no earlier lines");
        const counts = query.templates.map(({ template, after }) => ({
          after,
          before: lines.filter((line) => isOf(template, line.message)).length,
        }));
        const isUsual = counts.every(({ after, before }) => before >= AS_OFTEN * after);
        const figures = counts.map(({ after, before }) => `${before} then, ${after} now`).join("; ");
        return isUsual
          ? result("contradicted", `${query.service} logged the same lines as often before: ${figures}.`, "log")
          : result("upheld", `${query.service} did not log these lines as often before: ${figures}.`, "log");
      }
      case "calls-into": {
        const [before, after] = await Promise.all([
          source.edges({ from: window.from, to: window.splitAt }),
          source.edges({ from: window.splitAt, to: window.to }),
        ]);
        const into = (after ?? []).filter((edge) => edge.to === query.service && query.callers.includes(edge.from));
        const calls = into.reduce((sum, edge) => sum + edge.calls, 0);
        if (calls < LEAST_CALLS || into.length < query.callers.length) return silent("too few calls were seen");
        const errors = into.reduce((sum, edge) => sum + edge.errors, 0) / calls;
        const slower = into.map((edge) => {
          const then = before?.find((each) => each.from === edge.from && each.to === edge.to);
          return then === undefined || then.p95Ms <= 0 ? undefined : edge.p95Ms / then.p95Ms;
        });
        if (slower.some((factor) => factor === undefined)) return silent("there is nothing to compare with");
        const worst = Math.max(...slower.map((factor) => factor ?? 1));
        const figures = `${calls} calls, ${figure(errors, "ratio")} failed, at most ${figure(worst, "")} times as slow as before`;
        return errors <= HEALTHY_ERRORS && worst <= HEALTHY_SLOWDOWN
          ? result("contradicted", `Every caller of ${query.service} gets its answers as before: ${figures}.`, "trace")
          : result("upheld", `The callers of ${query.service} see it too: ${figures}.`, "trace");
      }
      case "sibling": {
        const series = await source.series(query.sibling, query.signal, window);
        if (series === undefined || series.samples.length < LEAST_SAMPLES) return silent("the other service has too few samples");
        const traits = SIGNAL_TRAITS[query.signal];
        const anomaly = detectAnomaly(series.samples, window.splitAt, traits);
        const factor = anomaly === undefined ? 1 : anomaly.level / (anomaly.baseline === 0 ? 1e-9 : anomaly.baseline);
        const isAsMuch = query.direction === "up" ? factor >= query.factor : factor <= query.factor;
        if (anomaly && anomaly.direction === query.direction && isAsMuch && anomaly.onsetAt <= query.onsetAt)
          return result(
            "contradicted",
            `${query.sibling}, which ${query.service} does not explain, changed in its ${traits.words} as much and as early: ${figure(anomaly.level, traits.unit)}, before ${figure(anomaly.baseline, traits.unit)}.`,
            "metric",
            series,
          );
        return result("upheld", `${query.sibling} did not change in its ${traits.words} as ${query.service} did.`, "metric", series);
      }
      default:
        return query satisfies never;
    }
  } catch {
    return silent("its source did not answer");
  }
}

/** Is the line one of the template's? A template's `<*>` stands for any word. */
function isOf(template: string, message: string): boolean {
  const expected = template.trim().split(/\s+/);
  const words = maskLine(message)
    .trim()
    .split(/\s+/, expected.length + 1);
  return words.length >= expected.length && expected.every((word, index) => word === "<*>" || word === words[index]);
}
