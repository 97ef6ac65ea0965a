// The samples of one scrape target. All its series share the times of its scrapes, so a series costs nine bytes a sample. Rows are in
// ascending time; when the arrays are full they are compacted: recent rows stay, older ones are thinned, the oldest go.
import type { Labels } from "../promql/labels.ts";
import type { StoredSeries } from "../promql/series-source.ts";

export interface RetentionMs {
  /** Every scrape is kept this long. */
  readonly recentMs: number;
  /** One row in so much time is kept of what is older. */
  readonly thinMs: number;
  /** Nothing older is kept. */
  readonly retentionMs: number;
}

const ABSENT = 0;
const VALUE = 1;
const STALE = 2;
const FIRST_CAPACITY = 128;
const BYTES_PER_SAMPLE = 9;

export interface Column {
  readonly labels: Labels;
  readonly block: TargetBlock;
  values: Float64Array;
  states: Uint8Array;
  /** The row last written, -1 when none. */
  lastRow: number;
  /** Nothing of it was left, so it is no longer part of the block; who held on to it has to add it anew. */
  dropped: boolean;
}

export class TargetBlock {
  private times = new Float64Array(FIRST_CAPACITY);
  private rows = 0;
  private readonly columns = new Map<string, Column>();
  private readonly retention: RetentionMs;
  private readonly onDropped: (column: Column) => void;

  /** @param onDropped called for each series of which nothing is left */
  constructor(retention: RetentionMs, onDropped: (column: Column) => void) {
    this.retention = retention;
    this.onDropped = onDropped;
  }

  get size(): number {
    return this.columns.size;
  }

  get bytes(): number {
    return this.times.length * (8 + this.columns.size * BYTES_PER_SAMPLE);
  }

  get newestMs(): number {
    return this.rows === 0 ? Number.NEGATIVE_INFINITY : (this.times[this.rows - 1] as number);
  }

  find(labels: Labels): Column | undefined {
    return this.columns.get(labels.key);
  }

  add(labels: Labels): Column {
    const capacity = this.times.length;
    const column: Column = {
      labels,
      block: this,
      values: new Float64Array(capacity),
      states: new Uint8Array(capacity),
      lastRow: -1,
      dropped: false,
    };
    this.columns.set(labels.key, column);
    return column;
  }

  /** Opens a row for a scrape; a time that is not later than the last is refused with `false` (the clock went back). */
  openRow(atMs: number): boolean {
    if (atMs <= this.newestMs) return false;
    if (this.rows === this.times.length) this.makeRoom(atMs);
    this.times[this.rows] = atMs;
    this.rows++;
    return true;
  }

  /** Writes into the row opened last. */
  write(column: Column, value: number): void {
    const row = this.rows - 1;
    column.values[row] = value;
    column.states[row] = VALUE;
    column.lastRow = row;
  }

  /** Marks every series as ended that had a value in the row before and has none in the row opened last. */
  endUnwritten(): void {
    const row = this.rows - 1;
    for (const column of this.columns.values()) {
      if (column.lastRow === row || column.lastRow < 0 || column.states[column.lastRow] === STALE) continue;
      column.states[row] = STALE;
      column.lastRow = row;
    }
  }

  /** The samples of a series in (fromMs, toMs], or undefined when there are none. */
  read(column: Column, fromMs: number, toMs: number): StoredSeries | undefined {
    const lo = this.firstAfter(fromMs);
    const hi = this.firstAfter(toMs);
    let count = 0;
    let hasStale = false;
    for (let row = lo; row < hi; row++) {
      const state = column.states[row];
      if (state === ABSENT) continue;
      count++;
      if (state === STALE) hasStale = true;
    }
    if (count === 0) return undefined;
    if (count === hi - lo && !hasStale)
      return { labels: column.labels, times: this.times.subarray(lo, hi), values: column.values.subarray(lo, hi) };
    const times = new Float64Array(count);
    const values = new Float64Array(count);
    const stale = new Uint8Array(count);
    for (let row = lo, i = 0; row < hi; row++) {
      const state = column.states[row];
      if (state === ABSENT) continue;
      times[i] = this.times[row] as number;
      values[i] = column.values[row] as number;
      stale[i] = state === STALE ? 1 : 0;
      i++;
    }
    return hasStale ? { labels: column.labels, times, values, stale } : { labels: column.labels, times, values };
  }

  private firstAfter(tMs: number): number {
    let low = 0;
    let high = this.rows;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.times[middle] as number) > tMs) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Compacts; grows the arrays when less than a quarter came free, which a full retention never needs. */
  private makeRoom(nowMs: number): void {
    this.compact(nowMs);
    if (this.rows <= this.times.length * 0.75) return;
    const capacity = Math.ceil(this.times.length * 1.5);
    this.times = grown(this.times, new Float64Array(capacity));
    for (const column of this.columns.values()) {
      column.values = grown(column.values, new Float64Array(capacity));
      column.states = grown(column.states, new Uint8Array(capacity));
    }
  }

  /**
   * Drops rows older than the retention and merges what is older than `recentMs` into one row per `thinMs`, which takes the last thing
   * known of each series in it; so an end is not lost and a counter keeps its newest value.
   */
  compact(nowMs: number): void {
    const { recentMs, thinMs, retentionMs } = this.retention;
    const oldest = nowMs - retentionMs;
    const recent = nowMs - recentMs;
    const into = new Int32Array(this.rows).fill(-1);
    let kept = 0;
    let slot = Number.NaN;
    for (let row = 0; row < this.rows; row++) {
      const atMs = this.times[row] as number;
      if (atMs <= oldest) continue;
      const rowSlot = atMs > recent ? Number.NaN : Math.floor(atMs / thinMs);
      if (rowSlot !== slot || Number.isNaN(rowSlot)) kept++;
      slot = rowSlot;
      into[row] = kept - 1;
      this.times[kept - 1] = atMs;
    }
    if (kept === this.rows) return;
    for (const column of [...this.columns.values()]) this.compactColumn(column, into, kept);
    this.rows = kept;
  }

  private compactColumn(column: Column, into: Int32Array, kept: number): void {
    const { values, states } = column;
    let last = -1;
    let filled = -1;
    let hasValue = false;
    for (let row = 0; row < this.rows; row++) {
      const target = into[row] as number;
      const state = states[row] as number;
      if (target < 0) continue;
      // A row moves to a lower or equal index, so what is overwritten has been read.
      if (target !== filled) {
        states[target] = state;
        values[target] = values[row] as number;
        filled = target;
      } else if (state !== ABSENT) {
        states[target] = state;
        values[target] = values[row] as number;
      }
      if (state !== ABSENT) last = target;
      if (state === VALUE) hasValue = true;
    }
    states.fill(ABSENT, kept);
    column.lastRow = last;
    if (hasValue) return;
    column.dropped = true;
    this.columns.delete(column.labels.key);
    this.onDropped(column);
  }
}

function grown<T extends Float64Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
