// Scrapes the lab's services as Prometheus would: one row a second for each target, `up` made here, a staleness marker for what is gone.
import type { Clock, Logger } from "@tocsin/runtime";
import { AppError, messageOf } from "@tocsin/runtime";
import { labFailed, seriesLimit } from "../errors.ts";
import { type Labels, METRIC_NAME } from "../promql/labels.ts";
import { requestText } from "../source-request.ts";
import { parseExposition, parseSeries } from "./exposition.ts";
import type { LabClient } from "./lab-client.ts";
import { type ScrapeTarget, signatureOf, targetsOf, withTargetLabels } from "./scrape-target.ts";
import type { SeriesStore } from "./series-store.ts";
import type { Column, TargetBlock } from "./target-block.ts";

export interface ScraperOptions {
  readonly lab: LabClient;
  readonly store: SeriesStore;
  readonly clock: Clock;
  readonly log: Logger;
  /** Default 1,000 ms. */
  readonly intervalMs?: number;
  /** How often the targets are asked for anew. Default 2,000 ms. */
  readonly discoveryMs?: number;
  /** Most bytes of one scrape. Default 4 MiB. */
  readonly maxScrapeBytes?: number;
  /** Most series of one target; a target with more fails its scrape. Default 10,000. */
  readonly maxSeriesPerTarget?: number;
}

export interface Scraper {
  /** Why the targets are unknown, or undefined when the last discovery answered. */
  readonly missing: string | undefined;
  readonly targets: readonly ScrapeTarget[];
  /** Discovers and scrapes until stopped. */
  start(): void;
  /** One discovery now; a failure keeps the targets known before. */
  discover(): Promise<void>;
  /** One scrape of every target that is not being scraped still. */
  scrapeAll(): Promise<void>;
  stop(): Promise<void>;
}

interface TargetState {
  readonly target: ScrapeTarget;
  readonly block: TargetBlock;
  /** By the text of the series in the answer, so that a known one is not taken apart again. */
  readonly columns: Map<string, Column>;
  inFlight: Promise<void> | undefined;
}

interface SampleRead {
  readonly series: string;
  readonly labels: Labels;
  readonly value: number;
}

const NOT_ASKED = "the lab was not asked yet";

export function createScraper(options: ScraperOptions): Scraper {
  const { lab, store, clock, log } = options;
  const { intervalMs = 1_000, discoveryMs = 2_000, maxScrapeBytes = 4 * 1024 * 1024, maxSeriesPerTarget = 10_000 } = options;
  const timeoutMs = Math.max(100, intervalMs * 0.9);
  const stopping = new AbortController();
  let states = new Map<string, TargetState>();
  let signature = "";
  let missing: string | undefined = NOT_ASKED;
  let running: Promise<unknown> = Promise.resolve();

  /** Reads an answer without touching the store, as one bad line discards the whole scrape. */
  function read(state: TargetState, text: string): SampleRead[] {
    const samples: SampleRead[] = [];
    parseExposition(text, (series, value, line) => {
      if (samples.length >= maxSeriesPerTarget) throw seriesLimit(state.target.url, maxSeriesPerTarget);
      const labels = state.columns.get(series)?.labels ?? withTargetLabels(parseSeries(series, line), state.target.labels);
      samples.push({ series, labels, value });
    });
    return samples;
  }

  function write(state: TargetState, { series, labels, value }: SampleRead): void {
    let column = state.columns.get(series);
    if (!column || column.dropped) {
      column = store.column(state.block, labels);
      if (!column) return;
      state.columns.set(series, column);
    }
    state.block.write(column, value);
  }

  async function scrape(state: TargetState): Promise<void> {
    const { target, block } = state;
    const atMs = clock.now();
    const startedAt = performance.now();
    let samples: SampleRead[] = [];
    let up = 1;
    try {
      const answer = await requestText({
        source: target.url,
        url: target.url,
        headers: { accept: "text/plain;version=0.0.4" },
        deadlineMs: timeoutMs,
        maxBytes: maxScrapeBytes,
        signal: stopping.signal,
      });
      if (answer.status !== 200) throw labFailed(target.url, answer.status, answer.text);
      samples = read(state, answer.text);
    } catch (error) {
      if (stopping.signal.aborted) return;
      up = 0;
      log.debug({ url: target.url, reason: messageOf(error) }, "scrape failed");
    }
    const own = { up, scrape_duration_seconds: (performance.now() - startedAt) / 1_000, scrape_samples_scraped: samples.length };
    // The target may have gone, or the clock back, while it answered.
    if (states.get(target.labels.key) !== state || !block.openRow(atMs)) return;
    for (const sample of samples) write(state, sample);
    for (const [name, value] of Object.entries(own))
      write(state, { series: name, labels: target.labels.with([[METRIC_NAME, name]]), value });
    block.endUnwritten();
    // A target whose series keep changing their names would otherwise grow this memory without end.
    if (state.columns.size > 2 * maxSeriesPerTarget) state.columns.clear();
  }

  async function discover(): Promise<void> {
    try {
      const targets = targetsOf(await lab.scrapeTargets(stopping.signal));
      missing = undefined;
      if (signatureOf(targets) === signature) return;
      signature = signatureOf(targets);
      const next = new Map<string, TargetState>();
      for (const target of targets) {
        const known = states.get(target.labels.key);
        const same = known?.target.url === target.url ? known : undefined;
        next.set(target.labels.key, same ?? { target, block: store.block(target.labels), columns: new Map(), inFlight: undefined });
      }
      const gone = [...states.values()].filter((state) => !next.has(state.target.labels.key));
      states = next;
      for (const state of gone) if (state.block.openRow(clock.now())) state.block.endUnwritten();
      log.info({ targets: targets.length }, "scrape targets changed");
    } catch (error) {
      if (stopping.signal.aborted) return;
      missing = AppError.is(error) ? `${error.code}: ${error.message}` : messageOf(error);
      log.debug({ reason: missing }, "discovery failed");
    }
    store.prune(clock.now(), new Set([...states.values()].map((state) => state.block)));
  }

  async function scrapeAll(): Promise<void> {
    await Promise.all(
      [...states.values()].map((state) => {
        state.inFlight ??= scrape(state).finally(() => {
          state.inFlight = undefined;
        });
        return state.inFlight;
      }),
    );
  }

  async function every(periodMs: () => number, work: () => Promise<void>): Promise<void> {
    let next = clock.now();
    while (!stopping.signal.aborted) {
      await work();
      next = Math.max(next + periodMs(), clock.now());
      await clock.sleep(next - clock.now(), stopping.signal).catch(() => undefined);
    }
  }

  return {
    get missing() {
      return missing;
    },
    get targets() {
      return [...states.values()].map((state) => state.target);
    },
    start() {
      const discovering = every(() => (missing === undefined ? discoveryMs : Math.min(discoveryMs, intervalMs)), discover);
      // A target that hangs must not hold back the others, so a round is not awaited.
      const scraping = every(
        () => intervalMs,
        async () => {
          scrapeAll().catch((error: unknown) => log.error({ err: error }, "scrape round failed"));
        },
      );
      running = Promise.all([discovering, scraping]);
    },
    discover,
    scrapeAll,
    async stop() {
      stopping.abort();
      await running;
      await Promise.all([...states.values()].map((state) => state.inFlight));
    },
  };
}
