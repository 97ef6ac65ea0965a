import type { Change, Topology } from "@tocsin/contracts";
import { type Clock, createTeardown, type Logger, messageOf } from "@tocsin/runtime";
import { edgesOfMetrics, mergeEdges } from "./edges.ts";
import { createEmbeddedBackend } from "./embedded/embedded-backend.ts";
import { createLabClient, type LabClient } from "./embedded/lab-client.ts";
import { createLabLogs, createLabTraces } from "./embedded/lab-ports.ts";
import { createScraper } from "./embedded/scraper.ts";
import { SeriesStore, type SeriesStoreOptions, type SeriesStoreStats } from "./embedded/series-store.ts";
import { schemeUnknown } from "./errors.ts";
import type { MetricsBackend } from "./metrics-backend.ts";
import { NO_LOGS, NO_METRICS, NO_TRACES } from "./none.ts";
import { answerOr } from "./partial.ts";
import type { Answer, ChangesPort, LogsPort, Signals, TopologyPort, TracesPort, Window } from "./ports.ts";
import { createMetrics, type SemanticMetrics } from "./semantic-signals.ts";
import { readTopologyFile } from "./topology.ts";
import { createTopologyMemory } from "./topology-memory.ts";

export interface SignalsOptions {
  /** `embedded:` (the lab is scraped), `http(s)://…` (Prometheus) or `none:`. */
  readonly metricsUrl: string;
  /** `embedded:` (the lab's logs), `http(s)://…` (Loki) or `none:`. */
  readonly logsUrl: string;
  /** `embedded:` (the lab's spans), `http(s)://…` (Tempo) or `none:`. */
  readonly tracesUrl: string;
  /** The lab's supervisor; empty means that there is no lab. */
  readonly labUrl: string;
  readonly log: Logger;
  readonly clock: Clock;
  /** Changes known elsewhere (deployment hooks, our own actions), merged into those of the lab. */
  readonly extraChanges?: (window: Window) => Promise<readonly Change[]>;
  /** YAML: `services: [{id, dependsOn, labels}]`. */
  readonly topologyFile?: string;
  /** Labels that name a service in metrics and logs, best first. */
  readonly serviceLabels?: readonly string[];
  /** Window of a rate in seconds. Default: twenty scrapes of the lab, or 60 for Prometheus. */
  readonly rateWindowSeconds?: number;
  /** How often the lab is scraped. Default 1,000 ms. */
  readonly scrapeIntervalMs?: number;
  readonly store?: SeriesStoreOptions;
  /** `X-Scope-OrgID` of a multi-tenant Loki or Tempo. */
  readonly tenant?: string;
  /** Most bytes Loki may read for one question. Default 1 GiB. */
  readonly logBytesBudget?: number;
}

export interface OpenedSignals extends Signals {
  readonly metrics: SemanticMetrics;
  /** What the embedded store holds; undefined when metrics come from elsewhere. */
  stats(): SeriesStoreStats | undefined;
  close(): Promise<void>;
}

const SCHEMES = ["embedded:", "http://…", "https://…", "none:"] as const;
const TOPOLOGY_WINDOW_SECONDS = 900;
const TOPOLOGY_TTL_MS = 15_000;

/**
 * Opens everything that can be asked. Nothing needs to be there yet: a source that is away is said in each answer.
 *
 * @throws AppError `SIGNALS_URL_UNKNOWN_SCHEME` naming the known schemes, `SIGNALS_TOPOLOGY_FILE_INVALID`
 */
export async function openSignals(options: SignalsOptions): Promise<OpenedSignals> {
  const { log, clock } = options;
  const schemes = {
    metrics: schemeOf("metrics", options.metricsUrl),
    logs: schemeOf("logs", options.logsUrl),
    traces: schemeOf("traces", options.tracesUrl),
  };
  const fromFile = options.topologyFile ? await readTopologyFile(options.topologyFile) : { services: [] };
  const teardown = createTeardown(log);
  // Where no source is the lab's there is no lab to ask.
  const hasLab = options.labUrl !== "" && Object.values(schemes).includes("embedded");
  const lab = hasLab ? createLabClient(options.labUrl, log) : undefined;

  const { metrics, backend, stats } = await openMetrics(options, schemes.metrics, lab, teardown.onStop);
  const logs = await openLogs(options, schemes.logs, lab);
  const ownTraces = await openTraces(options, schemes.traces, lab);
  const traces = backend ? withMetricEdges(ownTraces, backend) : ownTraces;

  return {
    metrics,
    logs,
    traces,
    topology: openTopology(fromFile, lab, traces, clock),
    changes: openChanges(lab, options.extraChanges),
    stats,
    close: async () => {
      await teardown.run();
    },
  };
}

type Scheme = "embedded" | "http" | "none";

function schemeOf(what: string, url: string): Scheme {
  if (url === "embedded:" || url === "") return "embedded";
  if (url === "none:") return "none";
  if (/^https?:\/\//.test(url) && URL.canParse(url)) return "http";
  throw schemeUnknown(what, url, SCHEMES);
}

interface OpenedMetrics {
  readonly metrics: SemanticMetrics;
  readonly backend?: MetricsBackend;
  stats(): SeriesStoreStats | undefined;
}

async function openMetrics(
  options: SignalsOptions,
  scheme: Scheme,
  lab: LabClient | undefined,
  onStop: (name: string, step: () => Promise<void>) => void,
): Promise<OpenedMetrics> {
  const { clock, log, serviceLabels } = options;
  const labels = serviceLabels ? { serviceLabels } : {};
  if (scheme === "http") {
    const { createPrometheusBackend } = await import("./prometheus/prometheus-backend.ts");
    const backend = createPrometheusBackend(options.metricsUrl, clock);
    const metrics = createMetrics(backend, { clock, rateWindowSeconds: options.rateWindowSeconds ?? 60, ...labels });
    return { metrics, backend, stats: () => undefined };
  }
  if (scheme === "none" || !lab) return { metrics: NO_METRICS, stats: () => undefined };
  const intervalMs = options.scrapeIntervalMs ?? 1_000;
  const store = new SeriesStore(options.store);
  const scraper = createScraper({ lab, store, clock, log, intervalMs });
  onStop("stop scraping", () => scraper.stop());
  scraper.start();
  const backend = createEmbeddedBackend(store, scraper, clock);
  const rateWindowSeconds = options.rateWindowSeconds ?? Math.max(20, (intervalMs * 20) / 1_000);
  // What is in memory may be asked every time, and changes by the second when the lab starts.
  const metrics = createMetrics(backend, { clock, rateWindowSeconds, capabilityTtlMs: 0, ...labels });
  return { metrics, backend, stats: () => store.stats() };
}

async function openLogs(options: SignalsOptions, scheme: Scheme, lab: LabClient | undefined): Promise<LogsPort> {
  if (scheme === "http") {
    const { createLokiLogs } = await import("./loki/loki-logs.ts");
    return createLokiLogs({
      url: options.logsUrl,
      clock: options.clock,
      ...(options.tenant === undefined ? {} : { tenant: options.tenant }),
      ...(options.serviceLabels ? { serviceLabels: options.serviceLabels } : {}),
      ...(options.logBytesBudget === undefined ? {} : { bytesBudget: options.logBytesBudget }),
    });
  }
  return scheme === "none" || !lab ? NO_LOGS : createLabLogs(lab);
}

async function openTraces(options: SignalsOptions, scheme: Scheme, lab: LabClient | undefined): Promise<TracesPort> {
  if (scheme === "http") {
    const { createTempoTraces } = await import("./tempo/tempo-traces.ts");
    return createTempoTraces({ url: options.tracesUrl, ...(options.tenant === undefined ? {} : { tenant: options.tenant }) });
  }
  return scheme === "none" || !lab ? NO_TRACES : createLabTraces(lab);
}

/** Callers' metrics see calls that were never answered, so where both know an edge the metrics speak. */
function withMetricEdges(traces: TracesPort, backend: MetricsBackend): TracesPort {
  return {
    ...traces,
    async edges(window, options = {}) {
      const [counted, traced] = await Promise.all([
        answerOr([], () => edgesOfMetrics(backend, window, options)),
        traces.edges(window, options),
      ]);
      return { value: mergeEdges(counted.value, traced.value), partial: [...new Set([...counted.partial, ...traced.partial])] };
    },
  };
}

function openTopology(fromFile: Topology, lab: LabClient | undefined, traces: TracesPort, clock: Clock): TopologyPort {
  let known: { until: number; topology: Promise<Topology> } | undefined;
  const memory = createTopologyMemory();
  memory.declare("file", fromFile);

  async function ask(): Promise<Topology> {
    const now = clock.now();
    const [fromLab, edges] = await Promise.all([
      lab ? answerOr<Topology>({ services: [] }, () => lab.topology()) : undefined,
      traces.edges({ from: now / 1_000 - TOPOLOGY_WINDOW_SECONDS, to: now / 1_000 }),
    ]);
    // A lab that does not answer has not changed its mind.
    if (fromLab?.partial.length === 0) memory.declare("lab", fromLab.value);
    memory.measure(edges.value, now);
    return memory.current(now);
  }

  return {
    current() {
      if (!known || known.until <= clock.now()) known = { until: clock.now() + TOPOLOGY_TTL_MS, topology: ask() };
      return known.topology;
    },
  };
}

function openChanges(lab: LabClient | undefined, extraChanges: SignalsOptions["extraChanges"]): ChangesPort {
  return {
    async between(window) {
      const none: Answer<readonly Change[]> = { value: [], partial: [] };
      const [fromLab, extra] = await Promise.all([
        lab ? answerOr<readonly Change[]>([], () => lab.changes(window)) : none,
        extraChanges
          ? extraChanges(window).then(
              (value): Answer<readonly Change[]> => ({ value, partial: [] }),
              (error: unknown) => ({ value: [], partial: [`SIGNALS_CHANGES_FAILED: ${messageOf(error)}`] }),
            )
          : none,
      ]);
      const byId = new Map([...fromLab.value, ...extra.value].map((change) => [change.id, change]));
      return {
        value: [...byId.values()].sort((a, b) => Date.parse(a.at) - Date.parse(b.at)),
        partial: [...fromLab.partial, ...extra.partial],
      };
    },
  };
}
