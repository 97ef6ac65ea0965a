import { silentLogger } from "@tocsin/runtime";
import { appendEvents, openStore, type Store } from "@tocsin/store";
import { eventually } from "@tocsin/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openLiveStream, type StreamItem } from "../src/live-stream.ts";
import { opened, seedIncident, thought } from "./seed.ts";

let store: Store;
beforeAll(async () => {
  store = await openStore({ url: "embedded:memory", log: silentLogger });
  for (const id of ["inc_a", "inc_b"]) await seedIncident(store.sql, { id });
});
afterAll(() => store.close());

const append = (...events: Parameters<typeof appendEvents>[1][number][]) => store.sql.transaction((tx) => appendEvents(tx, events));
const textsOf = (items: readonly StreamItem[]) => items.map(({ data }) => data.text);

test("tells an incident's past first, then what comes, each once and in order", async () => {
  const live = await openLiveStream(store.sql, silentLogger);
  await append(opened("inc_a"), thought("inc_a", 1), thought("inc_b", 1));
  const got: StreamItem[] = [];
  live.subscribe({ afterSeq: 0, incidentId: "inc_a" }, (items) => got.push(...items) > 0);
  // Written while it catches up: none may be missed, none told twice.
  for (let n = 2; n <= 40; n++) await append(thought("inc_a", n), thought("inc_b", n));
  await eventually("all are told", () => (got.length >= 41 ? true : undefined));
  expect(textsOf(got)).toEqual(["opened", ...Array.from({ length: 40 }, (_, i) => `thought ${i + 1}`)]);
  expect(got[0]).toMatchObject({ event: "incident", data: { incidentId: "inc_a", kind: "opened" } });
  expect(got[1]).toMatchObject({ event: "thought", data: { phase: "gather", evidence: ["ev_1"], id: String(got[1]?.seq) } });

  // A client that comes back with its last id gets the rest and nothing twice.
  const place = got[30]?.seq as number;
  const rest: StreamItem[] = [];
  live.subscribe({ afterSeq: place, incidentId: "inc_a" }, (items) => rest.push(...items) > 0);
  await eventually("the rest is told", () => (rest.length >= 10 ? true : undefined));
  expect(rest.map(({ seq }) => seq)).toEqual(got.slice(31).map(({ seq }) => seq));
  await live.stop();
});

test("a past of several pages is told whole while more is written", async () => {
  const live = await openLiveStream(store.sql, silentLogger);
  const from = await live.now();
  const count = 1_200;
  await append(...Array.from({ length: count }, (_, i) => thought("inc_b", 1_000 + i)));
  const got: StreamItem[] = [];
  live.subscribe({ afterSeq: from }, (items) => got.push(...items) > 0);
  for (let n = 0; n < 20; n++) await append(thought("inc_a", 5_000 + n));
  await eventually("all are told", () => (got.length >= count + 20 ? true : undefined));
  expect(new Set(got.map(({ seq }) => seq)).size).toBe(count + 20);
  expect(got.map(({ seq }) => seq)).toEqual(got.map(({ seq }) => seq).sort((a, b) => a - b));
  await live.stop();
});

test("a client that wants no more is forgotten", async () => {
  const live = await openLiveStream(store.sql, silentLogger);
  const got: StreamItem[] = [];
  live.subscribe({ afterSeq: await live.now() }, (items) => {
    got.push(...items);
    return false;
  });
  await append(thought("inc_a", 9_000));
  await eventually("it is gone", () => (live.subscribers === 0 ? true : undefined));
  await append(thought("inc_a", 9_001));
  expect(textsOf(got)).toEqual(["thought 9000"]);
  const unsubscribe = live.subscribe({ afterSeq: 0 }, () => true);
  expect(live.subscribers).toBe(1);
  unsubscribe();
  expect(live.subscribers).toBe(0);
  await live.stop();
});
