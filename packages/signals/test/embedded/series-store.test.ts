import { describe, expect, test } from "vitest";
import { SeriesStore } from "../../src/embedded/series-store.ts";
import { Labels } from "../../src/promql/labels.ts";

const TARGET = Labels.of({ job: "lab", service: "cart" });
const named = (name: string, more: Record<string, string> = {}) => TARGET.with([["__name__", name], ...Object.entries(more)]);
const by = (name: string) => [{ name: "__name__", op: "=", value: name } as const];

/** Writes one row: the named series that have a value in it. */
function row(store: SeriesStore, atMs: number, values: Record<string, number>): void {
  const block = store.block(TARGET);
  if (!block.openRow(atMs)) return;
  for (const [name, value] of Object.entries(values)) {
    const column = store.column(block, named(name));
    if (column) block.write(column, value);
  }
  block.endUnwritten();
}

const read = (store: SeriesStore, name: string, from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY) => {
  const [series] = store.select(by(name), from, to);
  return series ? Array.from(series.times, (time, i) => [time, series.stale?.[i] ? "end" : series.values[i]]) : [];
};

test("keeps what was written, in the half-open window asked for", () => {
  const store = new SeriesStore();
  for (const t of [1_000, 2_000, 3_000]) row(store, t, { a: t });
  expect(read(store, "a", 1_000, 3_000)).toEqual([
    [2_000, 2_000],
    [3_000, 3_000],
  ]);
});

test("marks the end of a series once, and takes it up again", () => {
  const store = new SeriesStore();
  row(store, 1_000, { a: 1, b: 1 });
  for (const t of [2_000, 3_000]) row(store, t, { a: 1 });
  row(store, 4_000, { a: 1, b: 4 });
  expect(read(store, "b")).toEqual([
    [1_000, 1],
    [2_000, "end"],
    [4_000, 4],
  ]);
});

test("refuses a row that is not later than the last, as when the clock goes back", () => {
  const store = new SeriesStore();
  for (const t of [2_000, 2_000, 1_000]) row(store, t, { a: t });
  expect(read(store, "a")).toEqual([[2_000, 2_000]]);
});

describe("retention", () => {
  const retention = { recentMs: 60_000, thinMs: 10_000, retentionMs: 300_000 };

  test("keeps the recent rows whole, thins older ones to the newest of each slot and drops the oldest", () => {
    const store = new SeriesStore(retention);
    for (let t = 0; t <= 3_600; t++) row(store, t * 1_000, { counter: t });
    store.block(TARGET).compact(3_600_000);
    const kept = read(store, "counter").map(([time]) => Number(time) / 1_000);
    const recent = kept.filter((t) => t > 3_540);
    const older = kept.filter((t) => t <= 3_540);
    expect(recent).toEqual(Array.from({ length: 60 }, (_, i) => 3_541 + i));
    expect(older.every((t) => t > 3_300)).toBe(true);
    expect(older.slice(1, -1).every((t) => t % 10 === 9)).toBe(true);
    expect(read(store, "counter").every(([time, value]) => time === Number(value) * 1_000)).toBe(true);
  });

  test("memory stays where it was however long it runs", () => {
    const store = new SeriesStore(retention);
    const names = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`m${i}`, i]));
    for (let t = 0; t < 1_000; t++) row(store, t * 1_000, names);
    const { bytes } = store.stats();
    for (let t = 1_000; t < 20_000; t++) row(store, t * 1_000, names);
    expect(store.stats().bytes).toBe(bytes);
    expect(bytes).toBeLessThan(20 * 9 * 400);
  });

  test("an end inside a thinned slot is not lost", () => {
    const store = new SeriesStore(retention);
    for (let t = 0; t <= 200; t++) row(store, t * 1_000, t <= 31 ? { a: 1, b: t } : { a: 1 });
    store.block(TARGET).compact(200_000);
    expect(read(store, "b").at(-1)?.[1]).toBe("end");
  });

  test("a series of which nothing is left is forgotten, and may come again", () => {
    const store = new SeriesStore(retention);
    row(store, 0, { a: 1, b: 1 });
    for (let t = 1; t <= 400; t++) row(store, t * 1_000, { a: 1 });
    store.block(TARGET).compact(400_000);
    expect(store.stats().series).toBe(1);
    expect(store.metricNames()).toEqual(new Set(["a"]));
    row(store, 401_000, { a: 1, b: 2 });
    expect(read(store, "b")).toEqual([[401_000, 2]]);
  });

  test("a target that is silent for the whole retention is forgotten with its series", () => {
    const store = new SeriesStore(retention);
    row(store, 0, { a: 1 });
    store.prune(300_001);
    expect(store.stats()).toMatchObject({ targets: 0, series: 0, bytes: 0 });
  });
});

test("series beyond the limit are counted instead of kept", () => {
  const store = new SeriesStore({ maxSeries: 2 });
  row(store, 1_000, { a: 1, b: 1, c: 1 });
  row(store, 2_000, { a: 2, b: 2, c: 2 });
  expect(store.stats()).toMatchObject({ series: 2, refusedSeries: 2 });
  expect(read(store, "a")).toHaveLength(2);
});

test("random writes, ends and compactions read like a plain list", () => {
  let seed = 7;
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  const store = new SeriesStore({ recentMs: 1e9, thinMs: 1_000, retentionMs: 1e9 });
  const expected = new Map<string, [number, number | "end"][]>();
  const live = new Set<string>();
  for (let t = 1; t < 500; t++) {
    const values = Object.fromEntries(["a", "b", "c"].filter(() => random() < 0.7).map((name) => [name, Math.round(random() * 100)]));
    row(store, t, values);
    for (const name of ["a", "b", "c"]) {
      const list = expected.get(name) ?? [];
      expected.set(name, list);
      const value = values[name];
      if (value !== undefined) list.push([t, value]);
      else if (live.has(name)) list.push([t, "end"]);
      if (value !== undefined) live.add(name);
      else live.delete(name);
    }
    if (random() < 0.05) store.block(TARGET).compact(t);
  }
  for (const name of ["a", "b", "c"]) expect(read(store, name)).toEqual(expected.get(name));
});
