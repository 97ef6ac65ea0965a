// The signals over any metrics server: which candidate of the catalogue the server can answer, by which label it names services, and the
// queries that follow. What the server has is asked once a minute, not for every signal.
import { type Series, SignalName, type SignalSeries } from "@tocsin/contracts";
import type { Clock } from "@tocsin/runtime";
import { CATALOGUE, CATALOGUE_METRICS, type Candidate, SERVICE_LABELS } from "./catalogue.ts";
import type { MetricsBackend } from "./metrics-backend.ts";
import { answerOr, missing } from "./partial.ts";
import type { Answer, MetricsPort, QueryOptions, RuleExpression, Window } from "./ports.ts";
import { escapePattern, quoteLabelValue } from "./promql/quote.ts";

export interface SemanticOptions {
  readonly clock: Clock;
  /** Labels that name the service, best first. Default {@link SERVICE_LABELS}. */
  readonly serviceLabels?: readonly string[];
  /** Window of a rate, in seconds; at least four scrapes. */
  readonly rateWindowSeconds: number;
  /** How long it is remembered which metrics the server has. Default 10,000 ms: one small question, and a new service is soon seen. */
  readonly capabilityTtlMs?: number;
}

/** How a signal of a service is asked for, and why so: for the page that explains it. */
export interface SignalSource {
  readonly signal: SignalName;
  readonly candidate: string;
  readonly serviceLabel: string;
  readonly query: string;
}

export interface SemanticMetrics extends MetricsPort {
  /** The sources the server has for each signal of a service, in the order in which they are tried. */
  explain(service: string, options?: QueryOptions): Promise<Answer<readonly SignalSource[]>>;
}

/** A candidate the server can answer, by one label. */
interface Usable {
  readonly candidate: Candidate;
  readonly label: string;
}

const MAX_SERVICES_PER_QUERY = 200;

export function createMetrics(backend: MetricsBackend, options: SemanticOptions): SemanticMetrics {
  const { clock, rateWindowSeconds, capabilityTtlMs = 10_000 } = options;
  const preferred = options.serviceLabels ?? SERVICE_LABELS;
  const names = remembered(clock, capabilityTtlMs, (_: string, asked) => backend.existing(CATALOGUE_METRICS, asked));
  const labels = remembered(clock, 6 * capabilityTtlMs, (metric: string, asked) => backend.labelNames(metric, asked));

  /** Candidates of a signal that the server has, each by each label that may name services there, best first. */
  async function usable(signal: SignalName, asked: QueryOptions): Promise<Usable[]> {
    const known = await names("", asked);
    const found: Usable[] = [];
    for (const candidate of CATALOGUE[signal]) {
      if (!candidate.needs.every(({ metric }) => known.has(metric))) continue;
      const sets = await Promise.all(candidate.needs.map(({ metric }) => labels(metric, asked)));
      const hasLabels = candidate.needs.every((need, i) => (need.labels ?? []).every((label) => sets[i]?.has(label)));
      if (!hasLabels) continue;
      for (const label of candidate.serviceLabels ?? preferred) if (sets.every((set) => set.has(label))) found.push({ candidate, label });
    }
    return found;
  }

  /** One signal: each service is answered by the first source that has data for it. */
  async function signalOf(
    signal: SignalName,
    services: readonly string[],
    window: Window,
    stepSeconds: number,
    asked: QueryOptions,
  ): Promise<Answer<readonly SignalSeries[]>> {
    const found = new Map<string, SignalSeries>();
    const partial = new Set<string>();
    for (const source of await usable(signal, asked)) {
      const { candidate, label } = source;
      const left = services.filter((service) => !found.has(service));
      if (left.length === 0) break;
      for (let i = 0; i < left.length; i += MAX_SERVICES_PER_QUERY) {
        const wanted = left.slice(i, i + MAX_SERVICES_PER_QUERY);
        const windowSeconds = Math.max(rateWindowSeconds, stepSeconds);
        const answer = await backend.queryRange(queryOf(candidate, label, wanted, windowSeconds), window, stepSeconds, asked);
        for (const reason of answer.partial) partial.add(reason);
        for (const series of answer.value) {
          const service = serviceIn(series, source, wanted);
          if (!wanted.includes(service) || found.has(service) || !series.samples.some(([, value]) => !Number.isNaN(value))) continue;
          found.set(service, { service, signal, samples: series.samples, query: queryOf(candidate, label, [service], windowSeconds) });
        }
      }
    }
    return { value: [...found.values()], partial: [...partial] };
  }

  return {
    async signals(services, signals, window, stepSeconds, asked = {}) {
      const unique = [...new Set(services)];
      if (unique.length === 0) return { value: [], partial: [] };
      const answers = await Promise.all(
        signals.map((signal) => answerOr<readonly SignalSeries[]>([], () => signalOf(signal, unique, window, stepSeconds, asked))),
      );
      return { value: answers.flatMap((answer) => answer.value), partial: [...new Set(answers.flatMap((answer) => answer.partial))] };
    },

    current: (service, signal, asked = {}) =>
      answerOr<number | undefined>(undefined, async () => {
        const partial = new Set<string>();
        for (const source of await usable(signal, asked)) {
          const { candidate, label } = source;
          const answer = await backend.query(queryOf(candidate, label, [service], rateWindowSeconds), undefined, asked);
          for (const reason of answer.partial) partial.add(reason);
          const value = answer.value.find((series) => serviceIn(series, source, [service]) === service)?.samples.at(-1)?.[1];
          if (value !== undefined && !Number.isNaN(value)) return { value, partial: [...partial] };
        }
        return { value: undefined, partial: [...partial] };
      }),

    queryRange: (promql, window, stepSeconds, asked = {}) =>
      answerOr<readonly Series[]>([], () => backend.queryRange(promql, window, stepSeconds, asked)),

    query: (promql, at, asked = {}) => answerOr<readonly Series[]>([], () => backend.query(promql, at, asked)),

    services: (asked = {}) =>
      answerOr<readonly string[]>([], async () => {
        const services = new Set<string>();
        const partial = new Set<string>();
        for (const signal of ["up", "request_rate", "memory"] as const) {
          try {
            const [first] = await usable(signal, asked);
            const metric = first?.candidate.needs[0]?.metric;
            if (!first || metric === undefined) continue;
            const answer = await backend.query(`group by (${first.label}) (${metric}{${first.label}!=""})`, undefined, asked);
            for (const reason of answer.partial) partial.add(reason);
            for (const series of answer.value) services.add(serviceIn(series, first));
          } catch (error) {
            partial.add(missing(error));
          }
        }
        services.delete("");
        return { value: [...services].sort(), partial: [...partial] };
      }),

    explain: (service, asked = {}) =>
      answerOr<readonly SignalSource[]>([], async () => {
        const sources: SignalSource[] = [];
        for (const signal of SignalName.options)
          for (const { candidate, label } of await usable(signal, asked))
            sources.push({
              signal,
              candidate: candidate.id,
              serviceLabel: label,
              query: queryOf(candidate, label, [service], rateWindowSeconds),
            });
        return { value: sources, partial: [] };
      }),

    ...(backend.ruleExpressions === undefined
      ? {}
      : {
          ruleExpressions: (alertName: string, asked: QueryOptions = {}) =>
            answerOr<readonly RuleExpression[]>([], async () => (await backend.ruleExpressions?.(alertName, asked)) ?? []),
        }),
    ping: () => backend.ping(),
  };
}

/** A candidate's query for some services. Names enter it through the escaping function alone. */
export function queryOf(candidate: Candidate, label: string, services: readonly string[], rateWindowSeconds: number): string {
  return candidate.promql
    .replaceAll("$by", label)
    .replaceAll("$w", `${Math.ceil(rateWindowSeconds)}s`)
    .replaceAll("$sel", () => selectorOf(candidate, label, services));
}

function selectorOf(candidate: Candidate, label: string, services: readonly string[]): string {
  const [only] = services;
  const decorated = isDecorated(candidate, label);
  if (services.length === 1 && only !== undefined && !decorated) return `${label}=${quoteLabelValue(only)}`;
  const any = services.map(escapePattern).join("|");
  return `${label}=~${quoteLabelValue(decorated ? `(?:.*/)?(?:${any})(?:@.*)?` : any)}`;
}

/** OpenTelemetry writes `job` as `namespace/name`, Traefik its service as `name@provider`; people and alerts say the bare name. */
const isDecorated = (candidate: Candidate, label: string): boolean => label === "job" || candidate.decorated === true;

const undecorated = (value: string): string => value.slice(value.lastIndexOf("/") + 1).replace(/@.*$/, "");

function serviceIn(series: Series, { candidate, label }: Usable, wanted?: readonly string[]): string {
  const value = series.labels[label] ?? "";
  return wanted?.includes(value) || !isDecorated(candidate, label) ? value : undecorated(value);
}

/** Remembers answers by key for a time; a failure and an empty answer (a server that has just started) are not remembered. */
function remembered<T extends ReadonlySet<string>>(clock: Clock, ttlMs: number, ask: (key: string, asked: QueryOptions) => Promise<T>) {
  const answers = new Map<string, { until: number; answer: Promise<T> }>();
  return (key: string, asked: QueryOptions): Promise<T> => {
    const known = answers.get(key);
    if (known && known.until > clock.now()) return known.answer;
    // Not with the caller's signal: others wait for the same answer.
    const answer = ask(key, asked.deadlineMs === undefined ? {} : { deadlineMs: asked.deadlineMs });
    answers.set(key, { until: clock.now() + ttlMs, answer });
    answer.then(
      (found) => found.size > 0 || answers.delete(key),
      () => answers.delete(key),
    );
    return answer;
  };
}
