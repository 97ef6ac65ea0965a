import { AppError, newId, silentLogger } from "@tocsin/runtime";
import { eventually, lacks, POSTGRES_PROGRAMS, type RunningPostgres, startPostgres } from "@tocsin/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Store } from "../src/database.ts";
import { appendEvents, lastEventSeq, readEventLog } from "../src/event-log.ts";
import { openStore, type StoreOptions } from "../src/open-store.ts";
import { startRelay } from "../src/relay.ts";
import { startChild } from "./children.ts";
import { recallFacts } from "./repositories/recall-facts.ts";
import { event, storeConformance } from "./store-conformance.ts";

describe.skipIf(lacks(...POSTGRES_PROGRAMS))("on PostgreSQL", () => {
  let postgres: RunningPostgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres?.stop());

  const open = (url: string, options: Partial<StoreOptions> = {}) => openStore({ url, log: silentLogger, ...options });

  describe("with one process", () => {
    let url: Promise<string> | undefined;
    storeConformance(async (options) => {
      url ??= postgres.createDatabase("conformance");
      return open(await url, options);
    });
  });

  describe("remembered incidents", () => {
    let store: Store;
    let by: "pgvector" | "exact" = "exact";
    beforeAll(async () => {
      store = await open(await postgres.createDatabase("recall"));
      const { rows } = await store.sql.query("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'");
      if (rows.length > 0) by = "pgvector";
    });
    afterAll(() => store?.close());
    recallFacts(
      () => store,
      () => by,
    );
  });

  describe("with several processes", () => {
    let url: string;
    let stores: Store[];
    beforeAll(async () => {
      url = await postgres.createDatabase("several");
      // On an empty database at the same moment: one migrates, the others wait and find it done.
      stores = await Promise.all(Array.from({ length: 4 }, () => open(url, { maxConnections: 8 })));
    });
    afterAll(() => Promise.all((stores ?? []).map((store) => store.close())));

    test("each starts, whoever migrated", async () => {
      for (const { sql } of stores)
        expect((await sql.query("SELECT count(*) AS n FROM schema_migrations")).rows).toEqual([{ n: expect.any(Number) }]);
    });

    test("a reader of the event log by seq skips nothing, with 32 connections appending", async () => {
      const [reading] = stores as [Store];
      const start = await lastEventSeq(reading.sql);
      let writing = true;
      const seen: number[] = [];
      const reader = (async () => {
        let afterSeq = start;
        for (let isLast = false; ; ) {
          const page = await readEventLog(reading.sql, { afterSeq, limit: 50 });
          for (const { seq } of page) seen.push(seq);
          afterSeq = page.at(-1)?.seq ?? afterSeq;
          if (page.length === 0 && isLast) return;
          isLast = page.length === 0 && !writing;
        }
      })();
      await Promise.all(
        stores.flatMap(({ sql }, process) =>
          Array.from({ length: 8 }, async (_, writer) => {
            for (let n = 0; n < 10; n++) await sql.transaction((tx) => appendEvents(tx, [event(`p${process}-${writer}-${n}`)]));
          }),
        ),
      );
      writing = false;
      await reader;
      expect(seen).toHaveLength(320);
      expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    });

    test("a job runs in exactly one of them, and each takes some", async () => {
      const queue = newId("q");
      const ranBy: number[] = [];
      const ran = new Map<string, number>();
      const stops = await Promise.all(
        stores.map(({ jobs }, process) =>
          jobs.work(queue, { concurrency: 2 }, async ({ data }) => {
            ran.set(data["n"] as string, (ran.get(data["n"] as string) ?? 0) + 1);
            ranBy.push(process);
            await new Promise((resolve) => setTimeout(resolve, 5));
          }),
        ),
      );
      const [{ sql, jobs }] = stores as [Store];
      await sql.transaction(async (tx) => {
        for (let n = 0; n < 60; n++) await jobs.send(tx, { queue, data: { n: String(n) } });
      });
      await eventually("all have run", () => (ran.size === 60 ? true : undefined));
      await Promise.all(stops.map((stop) => stop()));
      expect([...ran.values()].every((times) => times === 1)).toBe(true);
      expect(new Set(ranBy).size).toBeGreaterThan(1);
    });

    test.concurrent("a job of a killed process is taken by another when its lease has run out", async () => {
      const queue = newId("q");
      const [{ sql, jobs }] = stores as [Store];
      await sql.transaction((tx) => jobs.send(tx, { queue, data: { n: "1" } }));
      const child = startChild("hold-job.ts", [url, queue, "10"]);
      await child.line((line) => line === "took 1");
      await child.kill();
      const killedAt = performance.now();
      const again = Promise.withResolvers<number>();
      const stop = await jobs.work(queue, { leaseSeconds: 10 }, async ({ attempt }) => again.resolve(attempt));
      expect(await again.promise).toBe(2);
      await stop();
      expect(performance.now() - killedAt).toBeLessThan(25_000);
    });

    test.concurrent("a job of a living process keeps its lease beyond the first one", async () => {
      const queue = newId("q");
      const [a, b] = stores as [Store, Store];
      const attempts: number[] = [];
      const started = Promise.withResolvers<void>();
      const finish = Promise.withResolvers<void>();
      const handle = async ({ attempt, signal }: { attempt: number; signal: AbortSignal }) => {
        attempts.push(attempt);
        started.resolve();
        await finish.promise;
        expect(signal.aborted).toBe(false);
      };
      const stopA = await a.jobs.work(queue, { leaseSeconds: 10 }, handle);
      await a.sql.transaction((tx) => a.jobs.send(tx, { queue, data: {} }));
      await started.promise;
      const stopB = await b.jobs.work(queue, { leaseSeconds: 10 }, handle);
      // Beyond the lease and the look of the supervisor after it.
      await eventually(
        "the lease was renewed past its first end",
        async () => {
          const { rows } = await a.sql.query(
            "SELECT 1 FROM jobs.job WHERE name = $1 AND state = 'active' AND now() > started_on + interval '13 s' AND heartbeat_on > started_on + interval '4 s'",
            [queue],
          );
          return rows.length > 0 ? true : undefined;
        },
        20_000,
      );
      finish.resolve();
      await Promise.all([stopA(), stopB()]);
      expect(attempts).toEqual([1]);
    });

    test("the relay of a killed process is followed by another when its lease has run out", async () => {
      const [{ sql }] = stores as [Store];
      await sql.query("UPDATE event_log SET published_at = now() WHERE published_at IS NULL");
      await sql.query("INSERT INTO leases VALUES ('relay', 'killed', now() + interval '2 s')");
      const published: string[] = [];
      const relay = await startRelay({
        sql,
        log: silentLogger,
        leaseSeconds: 2,
        publish: async (events) => {
          published.push(...events.map(({ id }) => id));
        },
      });
      await sql.transaction((tx) => appendEvents(tx, [event("after-kill")]));
      await eventually("it is published", () => (published.length > 0 ? true : undefined), 6_000);
      expect(published).toEqual(["after-kill"]);
      await relay.stop();
    });
  });

  describe("when the server goes away", () => {
    let store: Store;
    beforeAll(async () => {
      store = await open(await postgres.createDatabase("away"));
    });
    afterAll(() => store?.close());

    test("backends ended by an administrator cost one retryable error at most, and listening goes on with an empty notice", async () => {
      const heard: string[] = [];
      const end = await store.sql.listen("gap", (payload) => heard.push(payload));
      const other = await open(await postgres.createDatabase("administrator"));
      await other.sql.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'away' AND pid <> pg_backend_pid()");
      await other.close();
      await eventually("it listens again", () => (heard.includes("") ? true : undefined));
      await eventually("it answers", async () => (await store.sql.query("SELECT 1 AS one")).rows[0]);
      heard.length = 0;
      await store.sql.query("SELECT pg_notify('gap', 'after')");
      await eventually("it hears", () => (heard.includes("after") ? true : undefined));
      await end();
    });

    test("a backend that is ended while its connection is held, in a transaction or by a library, ends no process", async () => {
      const held = await store.pool.connect();
      const begun = Promise.withResolvers<void>();
      const ended = Promise.withResolvers<void>();
      const cut = store.sql.transaction(async (tx) => {
        await tx.query("SELECT 1");
        begun.resolve();
        await ended.promise;
        await tx.query("SELECT 2");
      });
      await begun.promise;
      const other = await open(await postgres.createDatabase("executioner"));
      await other.sql.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'away' AND pid <> pg_backend_pid()");
      await other.close();
      await expect(held.query("SELECT 1")).rejects.toThrow();
      ended.resolve();
      await expect(cut).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
      held.release();
      expect((await store.sql.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
    });

    test("a crash is STORE_UNAVAILABLE while it lasts; then statements, notices and jobs work again", async () => {
      const heard: string[] = [];
      const end = await store.sql.listen("crash", (payload) => heard.push(payload));
      const queue = newId("q");
      const ran: string[] = [];
      const stop = await store.jobs.work(queue, {}, async ({ data }) => {
        ran.push(data["n"] as string);
      });
      await store.sql.query("CREATE TABLE kept (a int)");
      await store.sql.query("INSERT INTO kept VALUES (1)");
      await postgres.halt("SIGKILL");
      await expect(store.sql.query("SELECT 1")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
      await expect(store.sql.transaction(async () => {})).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
      await expect(store.ping()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
      await postgres.resume();
      await eventually("it answers", async () => (await store.sql.query("SELECT a FROM kept")).rows[0]);
      await eventually("it listens again", () => (heard.includes("") ? true : undefined));
      await store.sql.transaction((tx) => store.jobs.send(tx, { queue, data: { n: "after" } }));
      await eventually("the job runs", () => (ran.length > 0 ? true : undefined));
      await stop();
      await end();
    });

    test("the store closes while the server is away", async () => {
      const closing = await open(await postgres.createDatabase("closing"));
      const end = await closing.sql.listen("never", () => {});
      await closing.jobs.work(newId("q"), {}, async () => {});
      await postgres.halt();
      try {
        const startedAt = performance.now();
        await end();
        await closing.close();
        expect(performance.now() - startedAt).toBeLessThan(5_000);
      } finally {
        await postgres.resume();
      }
    });

    test("a server that is not there is STORE_UNAVAILABLE within seconds", async () => {
      const startedAt = performance.now();
      const error = await open("postgres://postgres@127.0.0.1:1/none").catch((e: unknown) => e);
      expect(AppError.is(error, "STORE_UNAVAILABLE")).toBe(true);
      expect(performance.now() - startedAt).toBeLessThan(6_000);
    });

    test("more work than connections waits its turn", async () => {
      const narrow = await open(await postgres.createDatabase("narrow"), { maxConnections: 2 });
      const { sql } = narrow;
      await Promise.all(Array.from({ length: 20 }, () => sql.transaction((tx) => tx.query("SELECT pg_sleep(0.02)"))));
      await narrow.close();
      await expect(sql.query("SELECT 1")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    });
  });
});
