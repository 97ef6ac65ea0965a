import { silentLogger } from "@tocsin/runtime";
import { changesBetween, openStore } from "@tocsin/store";
import type { Target, TargetEvent } from "@tocsin/targets";
import { eventually, fakeClock } from "@tocsin/testkit";
import { expect, test } from "vitest";
import { changesBetweenLooks, watchTargetChanges } from "../src/target-changes.ts";

const NOW = Date.parse("2026-08-20T10:00:00.000Z");
const target = (change: Partial<Target> = {}, startedAt = "2026-08-20T01:00:00.000Z"): Target => ({
  id: "web",
  managed: true,
  replicas: [{ id: "web-1", state: "running", healthy: true, startedAt, restarts: 0 }],
  revision: "shop/web:1.4",
  labels: {},
  ...change,
});
const look = (before: readonly Target[] | undefined, now: readonly Target[]) => changesBetweenLooks(before, now, NOW);

test("another image is a deployment with both versions, and its new start is part of it", () => {
  const after = target({ revision: "shop/web:1.5" }, "2026-08-20T09:59:55.000Z");
  expect(look([target()], [after])).toMatchObject([
    { kind: "deployment", service: "web", version: "shop/web:1.5", previousVersion: "shop/web:1.4" },
  ]);
});
test("a new start alone is a restart at the time of that start, and says when the kernel had killed it", () => {
  const started = target({}, "2026-08-20T09:59:55.000Z");
  expect(look([target()], [started])).toMatchObject([{ kind: "restart", at: "2026-08-20T09:59:55.000Z", text: "web was started" }]);
  const killed = { ...started, replicas: started.replicas.map((replica) => ({ ...replica, oomKilled: true })) };
  expect(look([target()], [killed])[0]?.text).toContain("killed it for its memory");
});
test("more replicas are scaling, another value is configuration", () => {
  const [one] = target().replicas;
  const two = target({ replicas: [one, { ...one, id: "web-2" }] as Target["replicas"] });
  expect(look([target()], [two]).map(({ kind }) => kind)).toEqual(["scaling"]);
  expect(look([target({ config: { POOL: "4" } })], [target({ config: { POOL: "8" } })]).map(({ kind }) => kind)).toEqual(["configuration"]);
});
test("nothing changed is no change, and a target that is new or gone accuses nobody", () => {
  expect(look([target()], [target()])).toEqual([]);
  expect(look([], [target()])).toEqual([]);
  expect(look([target()], [])).toEqual([]);
});
test("the first look tells of starts of the last two hours, and of none before", () => {
  expect(look(undefined, [target()])).toEqual([]);
  expect(look(undefined, [target({}, "2026-08-20T08:00:00.000Z")])).toHaveLength(1);
});

test("two processes that look, or one that starts anew, tell of a change once", async () => {
  const store = await openStore({ url: "embedded:memory", log: silentLogger });
  const stop = new AbortController();
  try {
    let listed: readonly Target[] = [target({}, "2026-08-20T09:30:00.000Z")];
    const clock = fakeClock("2026-08-20T10:00:00.000Z");
    const watch = { targets: { list: async () => listed }, sql: store.sql, clock, log: silentLogger };
    const watching = [watchTargetChanges(watch, stop.signal), watchTargetChanges(watch, stop.signal)];
    const kept = () => changesBetween(store.sql, "2026-08-20T00:00:00.000Z", "2026-08-21T00:00:00.000Z");
    await eventually("the start is kept", async () => ((await kept()).length === 1 ? true : undefined));
    listed = [target({ revision: "shop/web:1.5" }, "2026-08-20T10:00:05.000Z")];
    await eventually("the deployment is kept", async () => {
      await clock.advance(10_000);
      return (await kept()).length >= 2 ? true : undefined;
    });
    stop.abort();
    await Promise.all(watching);
    expect((await kept()).map(({ kind }) => kind)).toEqual(["deployment", "restart"]);
  } finally {
    stop.abort();
    await store.close();
  }
});

test("what the targets tell of is looked at without waiting for the next look, and a kill for memory is kept until the next start", async () => {
  const store = await openStore({ url: "embedded:memory", log: silentLogger });
  const stop = new AbortController();
  try {
    let listed: readonly Target[] = [target()];
    let tell: ((event: TargetEvent) => void) | undefined;
    let looks = 0;
    const clock = fakeClock("2026-08-20T10:00:00.000Z");
    const targets = {
      list: async () => {
        looks++;
        return listed;
      },
      watch: (onEvent: (event: TargetEvent) => void, signal: AbortSignal) => {
        tell = onEvent;
        return new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      },
    };
    const watching = watchTargetChanges({ targets, sql: store.sql, clock, log: silentLogger }, stop.signal);
    const seen = (count: number) => eventually(`look ${count}`, async () => (looks >= count && clock.sleepers > 0 ? true : undefined));
    await seen(1);
    const [one] = target().replicas;
    listed = [target({ replicas: [{ ...one, state: "exited", healthy: false }] as Target["replicas"] })];
    tell?.({ replica: "web-1", what: "oom" });
    await eventually("it settles", async () => {
      await clock.advance(500);
      return looks >= 2 ? true : undefined;
    });
    expect(clock.now()).toBeLessThan(Date.parse("2026-08-20T10:00:09.000Z"));
    await seen(2);
    listed = [target({}, "2026-08-20T10:00:03.000Z")];
    tell?.({ replica: "web-1", what: "changed" });
    const kept = () => changesBetween(store.sql, "2026-08-20T00:00:00.000Z", "2026-08-21T00:00:00.000Z");
    await eventually("the start is kept", async () => {
      await clock.advance(500);
      return (await kept()).length === 1 ? true : undefined;
    });
    expect((await kept())[0]).toMatchObject({ kind: "restart", text: "web was started, after the kernel killed it for its memory" });
    stop.abort();
    await watching;
  } finally {
    stop.abort();
    await store.close();
  }
});

test("a source of events that ends or is away is asked again, and looking goes on meanwhile", async () => {
  const store = await openStore({ url: "embedded:memory", log: silentLogger });
  const stop = new AbortController();
  try {
    let [looks, asked] = [0, 0];
    const clock = fakeClock("2026-08-20T10:00:00.000Z");
    const targets = {
      list: async () => {
        looks++;
        return [target()];
      },
      watch: async () => {
        asked++;
        if (asked === 1) throw new Error("connection refused");
      },
    };
    const watching = watchTargetChanges({ targets, sql: store.sql, clock, log: silentLogger }, stop.signal);
    await eventually("asked three times", async () => {
      await clock.advance(10_000);
      return asked >= 3 && looks >= 3 ? true : undefined;
    });
    stop.abort();
    await watching;
  } finally {
    stop.abort();
    await store.close();
  }
});
