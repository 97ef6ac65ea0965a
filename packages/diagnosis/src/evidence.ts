import type { Evidence, Sample } from "@tocsin/contracts";
import { clockTime, duration, figure, times } from "./figures.ts";
import type { Finding } from "./findings.ts";
import { type RuleFinding, unitOfRule } from "./rule-evidence.ts";
import { SIGNAL_TRAITS } from "./signal-traits.ts";

const MAX_CHART_SAMPLES = 120;
const MAX_TEMPLATE = 200;

/** Pure: a finding as evidence that a person can check: one sentence with its numbers, the query, the chart. */
export function evidenceOf(finding: Finding, mint: (content: string) => string): Evidence {
  const { source } = finding;
  switch (source.kind) {
    case "metric":
      return metricEvidence(finding, source, mint);
    case "rule":
      return ruleEvidence(source.crossing, mint);
    case "edge": {
      const { from, to, what, before, after, query } = source.edge;
      const unit = what === "errors" ? "ratio" : "s";
      const words = what === "errors" ? "fail" : what === "network" ? "spend longer on the wire" : "take longer";
      const text = `Calls from ${from} to ${to} ${words}: ${figure(after, unit)}, before ${figure(before, unit)}.`;
      const id = mint(`edge|${from}|${to}|${what}`);
      return { id, kind: "trace", service: finding.service, text, ...(query === undefined ? {} : { query }) };
    }
    case "log": {
      const { log } = source;
      const quoted = log.template.length > MAX_TEMPLATE ? `${log.template.slice(0, MAX_TEMPLATE)}…` : log.template;
      const counts = `${log.after} ${log.after === 1 ? "line" : "lines"} since ${clockTime(log.onsetAt)}, before ${log.before}`;
      const head =
        log.kind === "new"
          ? `${log.service} logs a new ${log.level} line`
          : log.kind === "burst"
            ? `${log.service} logs far more of a ${log.level} line`
            : `${log.service} no longer logs a line`;
      return {
        id: mint(`log|${log.service}|${log.kind}|${log.template}`),
        kind: "log",
        service: finding.service,
        text: `${head} (${counts}): "${quoted}".`,
        query: `{service="${log.service}"}`,
      };
    }
    case "trace": {
      const { trace } = source;
      return {
        id: mint(`trace|${trace.service}|${trace.peer ?? ""}|${trace.kind}|${trace.operation}`),
        kind: "trace",
        service: finding.service,
        text: traceText(trace),
      };
    }
    case "change": {
      const { change } = source;
      const versions = change.version === undefined ? "" : ` (${change.previousVersion ?? "?"} → ${change.version})`;
      return {
        id: mint(`change|${change.id}`),
        kind: "change",
        service: change.service,
        text: `A ${change.kind} of ${change.service}${versions} at ${change.at.slice(11, 19)}: ${change.text}`,
        ...(change.link === undefined ? {} : { link: change.link }),
      };
    }
    default:
      return source satisfies never;
  }
}

function metricEvidence(
  finding: Finding,
  source: Extract<Finding["source"], { kind: "metric" }>,
  mint: (content: string) => string,
): Evidence {
  const { series, anomaly } = source;
  const traits = SIGNAL_TRAITS[series.signal];
  const since = clockTime(anomaly.onsetAt);
  const factor = anomaly.direction === "up" ? times(anomaly.level, anomaly.baseline) : undefined;
  const text =
    series.signal === "restarts"
      ? `${series.service} has started ${anomaly.level} times since ${since}.`
      : series.signal === "up"
        ? `${series.service} does not answer its scrape since ${since} (${Math.round(anomaly.persistence * 100)} % of the scrapes since then failed).`
        : `${series.service}: ${traits.words} ${anomaly.isTrend ? "keeps " : ""}${anomaly.direction === "up" ? (anomaly.isTrend ? "rising" : "rose") : anomaly.isTrend ? "falling" : "fell"} to ` +
          `${figure(anomaly.level, traits.unit)} from ${figure(anomaly.baseline, traits.unit)}${factor === undefined ? "" : ` (${factor})`} since ${since}, ` +
          `${figure(anomaly.deviation, "")} deviations from its baseline.`;
  return {
    id: mint(`metric|${series.service}|${series.signal}`),
    kind: "metric",
    service: finding.service,
    text,
    query: series.query,
    chart: {
      unit: traits.unit,
      samples: thinned(series.samples),
      onsetAt: anomaly.onsetAt,
      baseline: anomaly.baseline,
    },
  };
}

/** The alert's own expression: its value, its threshold and its past. */
export function ruleEvidence(crossing: RuleFinding, mint: (content: string) => string): Evidence {
  const { rule, level, before, factor, chronic, onsetAt } = crossing;
  const unit = unitOfRule(rule);
  const { threshold } = rule;
  const line = threshold === undefined ? "" : `, its line is ${threshold.op} ${figure(threshold.value, unit)}`;
  const by = factor === undefined || factor < 1.005 ? "" : ` (${figure(factor, "")} times it)`;
  const past = before === undefined ? "" : `, before ${figure(before, unit)}`;
  const always = chronic >= 0.5 ? `; it was beyond it in ${Math.round(chronic * 100)} % of the time just before, too` : "";
  return {
    id: mint(rule.fingerprint === undefined ? `rule|${rule.alert}|${JSON.stringify(rule.labels)}` : `alert|${rule.fingerprint}`),
    kind: "alert",
    ...(rule.service === undefined ? {} : { service: rule.service }),
    text: `What ${rule.alert} measures on ${rule.service ?? "no named service"} is ${figure(level, unit)} since ${clockTime(onsetAt)}${line}${by}${past}${always}.`,
    query: rule.query,
    chart: {
      unit,
      samples: thinned(rule.samples),
      onsetAt,
      ...(before === undefined ? {} : { baseline: before }),
      ...(threshold === undefined ? {} : { threshold: threshold.value }),
    },
  };
}

function traceText(trace: Extract<Finding["source"], { kind: "trace" }>["trace"]): string {
  const ms = (value: number) => duration(value / 1_000);
  switch (trace.kind) {
    case "slow":
      return `${trace.service} spends ${ms(trace.after)} of its own in ${trace.operation}, before ${ms(trace.before)}.`;
    case "network":
      return `Calls from ${trace.service} to ${trace.peer} (${trace.operation}) spend ${ms(trace.after)} on neither side, before ${ms(trace.before)}.`;
    case "errors":
      return `${trace.operation} of ${trace.service}${trace.peer === undefined ? "" : ` towards ${trace.peer}`} fails by itself in ${figure(trace.after, "ratio")} of its calls, before ${figure(trace.before, "ratio")}.`;
    case "missing":
      return `${trace.service} hardly gets to ${trace.operation}${trace.peer === undefined ? "" : ` of ${trace.peer}`} any more: ${trace.after} calls, expected ${trace.before}.`;
    default:
      return trace.kind satisfies never;
  }
}

/** At most 120 samples, evenly picked, the last one kept; a gap is null. */
function thinned(samples: readonly Sample[]): [number, number | null][] {
  const step = Math.max(1, Math.ceil(samples.length / MAX_CHART_SAMPLES));
  return samples
    .filter((_, index) => (samples.length - 1 - index) % step === 0)
    .map(([at, value]) => [at, Number.isFinite(value) ? value : null]);
}
