import { type Labels, METRIC_NAME } from "../promql/labels.ts";
import { compileMatcher, type LabelMatcher } from "../promql/matcher.ts";
import type { SeriesSource, StoredSeries } from "../promql/series-source.ts";
import { type Column, type RetentionMs, TargetBlock } from "./target-block.ts";

export interface SeriesStoreOptions extends Partial<RetentionMs> {
  /** Series beyond these are not kept, and counted. Default 20,000. */
  readonly maxSeries?: number;
  /** Bytes of samples beyond which no new series is kept. Default 256 MiB. */
  readonly maxBytes?: number;
}

export interface SeriesStoreStats {
  readonly targets: number;
  readonly series: number;
  /** Bytes of the arrays that hold samples. */
  readonly bytes: number;
  /** Series that were not kept because a limit was reached, since start. */
  readonly refusedSeries: number;
}

const DEFAULT_RETENTION: RetentionMs = { recentMs: 1_800_000, thinMs: 15_000, retentionMs: 7_200_000 };

/** Recent samples of what is scraped, in memory and bounded: the embedded adapter's time series database. */
export class SeriesStore implements SeriesSource {
  private readonly blocks = new Map<string, TargetBlock>();
  private readonly byName = new Map<string, Set<Column>>();
  private readonly retention: RetentionMs;
  private readonly maxSeries: number;
  private readonly maxBytes: number;
  private series = 0;
  private refused = 0;

  constructor(options: SeriesStoreOptions = {}) {
    this.retention = { ...DEFAULT_RETENTION, ...options };
    this.maxSeries = options.maxSeries ?? 20_000;
    this.maxBytes = options.maxBytes ?? 256 * 1024 * 1024;
  }

  /** The block of a target, made when it is new. */
  block(targetLabels: Labels): TargetBlock {
    let block = this.blocks.get(targetLabels.key);
    if (!block) {
      block = new TargetBlock(this.retention, (column) => this.forget(column));
      this.blocks.set(targetLabels.key, block);
    }
    return block;
  }

  /** The series of a target, made when it is new; undefined when a limit is reached. */
  column(block: TargetBlock, labels: Labels): Column | undefined {
    const known = block.find(labels);
    if (known) return known;
    if (this.series >= this.maxSeries || this.bytes() >= this.maxBytes) {
      this.refused++;
      return undefined;
    }
    const column = block.add(labels);
    this.series++;
    const name = labels.get(METRIC_NAME);
    const sameName = this.byName.get(name);
    if (sameName) sameName.add(column);
    else this.byName.set(name, new Set([column]));
    return column;
  }

  /** Forgets targets of which nothing was scraped for the whole retention, except those still scraped (a new one has no row yet). */
  prune(nowMs: number, inUse: ReadonlySet<TargetBlock> = new Set()): void {
    for (const [key, block] of this.blocks) {
      if (inUse.has(block) || block.newestMs > nowMs - this.retention.retentionMs) continue;
      block.compact(nowMs);
      this.blocks.delete(key);
    }
  }

  select(matchers: readonly LabelMatcher[], fromMs: number, toMs: number): readonly StoredSeries[] {
    const found: StoredSeries[] = [];
    for (const column of this.matching(matchers)) {
      const series = column.block.read(column, fromMs, toMs);
      if (series) found.push(series);
    }
    return found;
  }

  metricNames(): ReadonlySet<string> {
    return new Set(this.byName.keys());
  }

  labelNames(metric: string): ReadonlySet<string> {
    const names = new Set<string>();
    for (const column of this.byName.get(metric) ?? []) for (const name of column.labels.names) names.add(name);
    return names;
  }

  stats(): SeriesStoreStats {
    return { targets: this.blocks.size, series: this.series, bytes: this.bytes(), refusedSeries: this.refused };
  }

  private *matching(matchers: readonly LabelMatcher[]): Generator<Column> {
    const tests = matchers.map((matcher) => ({ name: matcher.name, test: compileMatcher(matcher) }));
    const exact = matchers.find((matcher) => matcher.name === METRIC_NAME && matcher.op === "=");
    const candidates = exact ? [this.byName.get(exact.value) ?? []] : this.byName.values();
    for (const columns of candidates) {
      for (const column of columns) if (tests.every(({ name, test }) => test(column.labels.get(name)))) yield column;
    }
  }

  private forget(column: Column): void {
    this.series--;
    const name = column.labels.get(METRIC_NAME);
    const sameName = this.byName.get(name);
    sameName?.delete(column);
    if (sameName?.size === 0) this.byName.delete(name);
  }

  private bytes(): number {
    let bytes = 0;
    for (const block of this.blocks.values()) bytes += block.bytes;
    return bytes;
  }
}
