// The same facts over PGlite and PostgreSQL: what works embedded works on a server, and the other way round.
import type { OutgoingEvent } from "@tocsin/contracts";
import { AppError, newId, type Queryable, silentLogger } from "@tocsin/runtime";
import { eventually } from "@tocsin/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Store } from "../src/database.ts";
import { appendEvents, EVENT_LOG_CHANNEL, lastEventSeq, readEventLog } from "../src/event-log.ts";
import { assertFence, claimIncident } from "../src/fence.ts";
import { claimEvents } from "../src/inbox.ts";
import { dropLease, takeLease } from "../src/lease.ts";
import { migrate, readMigrations } from "../src/migrate.ts";
import { startRelay } from "../src/relay.ts";
import { appendJournal, JOURNAL_GENESIS, readJournal, verifyJournal } from "../src/repositories/journal.ts";
import { getSwitch, RED_BUTTON, setSwitch } from "../src/repositories/switches.ts";
import { prune } from "../src/upkeep.ts";

/** A promise and its ends. */
function signal<T = void>() {
  return Promise.withResolvers<T>();
}

const code = (expected: string) => expect.objectContaining({ code: expected });

export function event(id: string, incidentId = "inc_1"): OutgoingEvent {
  return {
    id,
    type: "dev.tocsin.incident.moved.v1",
    source: "/tocsin/test",
    time: "2026-01-01T00:00:00.000Z",
    topic: "sre-events",
    key: incidentId,
    data: { incidentId, n: id },
  };
}

export async function insertIncident(sql: Queryable, id: string): Promise<void> {
  await sql.query(
    "INSERT INTO incidents (id, scope, title, state, severity, started_at, last_alert_at) VALUES ($1, 's', 't', 'open', 'critical', now(), now())",
    [id],
  );
}

export function storeConformance(open: (options?: { idleInTransactionMs: number }) => Promise<Store>): void {
  let store: Store;
  let sql: Store["sql"];

  beforeAll(async () => {
    store = await open();
    sql = store.sql;
    await sql.query("CREATE TABLE things (id text PRIMARY KEY, n integer NOT NULL DEFAULT 0)");
  });
  afterAll(() => store?.close());

  const thing = async (id: string) => (await sql.query<{ n: number }>("SELECT n FROM things WHERE id = $1", [id])).rows[0]?.n;

  describe("values", () => {
    test("come back as the same JavaScript values", async () => {
      const { rows } = await sql.query(
        `SELECT 9007199254740991::int8 AS big, 1.50::numeric AS exact, 0.1::float8 AS float, 7::int2 AS small, true AS yes,
                '2026-01-01T01:00:00.123456+01:00'::timestamptz AS at, '2026-01-01'::date AS day, '{"a":[1,null]}'::jsonb AS doc, '[1]'::json AS list,
                '\\x00ff'::bytea AS bytes, NULL::text AS nothing, ARRAY['a"b',NULL,'']::text[] AS texts, ARRAY[1,2]::int8[] AS numbers,
                ARRAY['{"x":1}']::jsonb[] AS docs, ARRAY['2026-01-01Z']::timestamptz[] AS times, 'x'::varchar AS name,
                '6f9619ff-8b86-d011-b42d-00cf4fc964ff'::uuid AS id, count(*) AS count FROM (VALUES (1)) AS one`,
      );
      expect(rows).toEqual([
        {
          big: 9007199254740991,
          exact: 1.5,
          float: 0.1,
          small: 7,
          yes: true,
          at: "2026-01-01T00:00:00.123Z",
          day: "2026-01-01",
          doc: { a: [1, null] },
          list: [1],
          bytes: new Uint8Array([0, 255]),
          nothing: null,
          texts: ['a"b', null, ""],
          numbers: [1, 2],
          docs: [{ x: 1 }],
          times: ["2026-01-01T00:00:00.000Z"],
          name: "x",
          id: "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
          count: 1,
        },
      ]);
      expect(rows[0]?.["bytes"]).toBeInstanceOf(Uint8Array);
    });

    test("go in the same, whatever the type of the parameter", async () => {
      const { rows } = await sql.query(
        "SELECT $1::text AS text, $2::int8 AS n, $3::jsonb AS doc, $4::bytea AS bytes, $5::timestamptz AS at, $6::text[] AS texts, $7::bool AS yes, $8::text AS nothing, $9::numeric AS exact",
        [5, "12", { a: 1 }, new Uint8Array([1, 2]), new Date("2026-01-01T00:00:00.500Z"), ["a", null, "b,c"], false, undefined, 0.25],
      );
      expect(rows[0]).toEqual({
        text: "5",
        n: 12,
        doc: { a: 1 },
        bytes: new Uint8Array([1, 2]),
        at: "2026-01-01T00:00:00.500Z",
        texts: ["a", null, "b,c"],
        yes: false,
        nothing: null,
        exact: 0.25,
      });
    });

    test("refuse an array for jsonb, which has to be JSON text", async () => {
      await expect(sql.query("SELECT $1::jsonb", [[1, 2]])).rejects.toEqual(code("STORE_QUERY_FAILED"));
      expect((await sql.query("SELECT $1::jsonb AS list", [JSON.stringify([1, 2])])).rows).toEqual([{ list: [1, 2] }]);
    });

    test("count the rows of every kind of statement", async () => {
      expect((await sql.query("INSERT INTO things (id) VALUES ('c1'), ('c2')")).rowCount).toBe(2);
      expect((await sql.query("UPDATE things SET n = 1 WHERE id = ANY($1)", [["c1", "c2", "c3"]])).rowCount).toBe(2);
      expect((await sql.query("SELECT * FROM things WHERE id LIKE 'c%'")).rowCount).toBe(2);
      expect(await sql.query("DELETE FROM things WHERE id LIKE 'c%' RETURNING id")).toEqual({
        rowCount: 2,
        rows: [{ id: "c1" }, { id: "c2" }],
      });
      expect((await sql.query("CREATE TABLE counted (a int)")).rowCount).toBe(0);
    });
  });

  describe("errors", () => {
    test("name a conflict and its constraint", async () => {
      await sql.query("INSERT INTO things (id) VALUES ('dup')");
      await expect(sql.query("INSERT INTO things (id) VALUES ($1)", ["dup"])).rejects.toMatchObject({
        code: "STORE_CONFLICT",
        retryable: false,
        details: { sqlState: "23505", constraint: "things_pkey" },
      });
    });

    test("name the statement that failed, without its parameters", async () => {
      const error = await sql.query("SELECT nonsense FROM things WHERE id = $1", ["secret"]).catch((e: unknown) => e);
      expect(error).toEqual(code("STORE_QUERY_FAILED"));
      expect(JSON.stringify((error as AppError).details)).toContain("SELECT nonsense");
      expect(JSON.stringify((error as AppError).details)).not.toContain("secret");
    });

    test("of one statement do not spoil the next", async () => {
      await expect(sql.query("SELECT 1/0")).rejects.toEqual(code("STORE_QUERY_FAILED"));
      expect((await sql.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
    });
  });

  describe("transactions", () => {
    test("commit what they wrote and give back what the work returned", async () => {
      expect(
        await sql.transaction(async (tx) => {
          await tx.query("INSERT INTO things (id, n) VALUES ('t1', 1)");
          return "done";
        }),
      ).toBe("done");
      expect(await thing("t1")).toBe(1);
    });

    test("roll back when the work throws, and throw what it threw", async () => {
      const thrown = new Error("no");
      await expect(
        sql.transaction(async (tx) => {
          await tx.query("INSERT INTO things (id) VALUES ('t2')");
          throw thrown;
        }),
      ).rejects.toBe(thrown);
      expect(await thing("t2")).toBeUndefined();
    });

    test("that swallow a failed statement commit nothing and say so", async () => {
      await expect(
        sql.transaction(async (tx) => {
          await tx.query("INSERT INTO things (id) VALUES ('t3')");
          await tx.query("SELECT 1/0").catch(() => {});
        }),
      ).rejects.toEqual(code("STORE_TRANSACTION_ABORTED"));
      expect(await thing("t3")).toBeUndefined();
    });

    test("go on after a savepoint was rolled back to", async () => {
      await sql.transaction(async (tx) => {
        await tx.query("INSERT INTO things (id) VALUES ('t4')");
        await tx.query("SAVEPOINT before");
        await tx.query("SELECT 1/0").catch(() => {});
        await tx.query("ROLLBACK TO SAVEPOINT before");
      });
      expect(await thing("t4")).toBe(0);
    });

    test("refuse the outer handle, which would wait for itself or miss their writes", async () => {
      await expect(sql.transaction(() => sql.query("SELECT 1"))).rejects.toEqual(code("STORE_TRANSACTION_NESTED"));
      await expect(sql.transaction(() => sql.transaction(async () => {}))).rejects.toEqual(code("STORE_TRANSACTION_NESTED"));
      expect((await sql.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
    });

    test("end with their work: the handle is of no use afterwards", async () => {
      let kept: Queryable | undefined;
      await sql.transaction(async (tx) => {
        kept = tx;
      });
      await expect(kept?.query("SELECT 1")).rejects.toEqual(code("STORE_UNAVAILABLE"));
    });

    test("do not see each other's uncommitted rows, nor does a plain query", async () => {
      const written = signal();
      const go = signal();
      const slow = sql.transaction(async (tx) => {
        await tx.query("INSERT INTO things (id) VALUES ('hidden')");
        written.resolve();
        await go.promise;
        throw new Error("rolled back");
      });
      await written.promise;
      // On PGlite this waits for the transaction to end, on PostgreSQL it answers at once: either way the row is not there.
      const seen = thing("hidden");
      go.resolve();
      await expect(slow).rejects.toThrow("rolled back");
      expect(await seen).toBeUndefined();
    });

    test("running at the same time lose no update", async () => {
      await sql.query("INSERT INTO things (id, n) VALUES ('counter', 0)");
      await Promise.all(
        Array.from({ length: 25 }, () =>
          sql.transaction(async (tx) => {
            const { rows } = await tx.query<{ n: number }>("SELECT n FROM things WHERE id = 'counter' FOR UPDATE");
            await tx.query("UPDATE things SET n = $1 WHERE id = 'counter'", [(rows[0]?.n ?? 0) + 1]);
          }),
        ),
      );
      expect(await thing("counter")).toBe(25);
    });
  });

  test("a transaction that forgets its connection loses it, commits nothing, and the others go on", async () => {
    const impatient = await open({ idleInTransactionMs: 150 });
    await impatient.sql.query("CREATE TABLE IF NOT EXISTS forgotten (a int)");
    const [written, lost] = [signal(), signal()];
    const forgetful = impatient.sql.transaction(async (tx) => {
      await tx.query("INSERT INTO forgotten VALUES (1)");
      written.resolve();
      await lost.promise;
    });
    await written.promise;
    // Waits for the lock, or for the connection, until the forgetful one has lost it.
    const kept = await impatient.sql.transaction(async (tx) => {
      await tx.query("LOCK TABLE forgotten");
      return (await tx.query("SELECT * FROM forgotten")).rowCount;
    });
    lost.resolve();
    await expect(forgetful).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
    expect(kept).toBe(0);
    await impatient.close();
  });

  describe("listening", () => {
    test("tells of a notice when it is committed, and of none that is rolled back", async () => {
      const heard: string[] = [];
      const last = signal();
      const end = await sql.listen("Test Channel", (payload) => {
        heard.push(payload);
        if (payload === "last") last.resolve();
      });
      await sql
        .transaction(async (tx) => {
          await tx.query("SELECT pg_notify('Test Channel', 'rolled back')");
          throw new Error("no");
        })
        .catch(() => {});
      await sql.transaction(async (tx) => {
        await tx.query("SELECT pg_notify('Test Channel', 'one')");
        expect(heard).toEqual([]);
      });
      await sql.query("SELECT pg_notify('Test Channel', 'last')");
      await last.promise;
      expect(heard).toEqual(["one", "last"]);
      await end();
      const other = signal();
      const endOther = await sql.listen("other", () => other.resolve());
      await sql.query("SELECT pg_notify('Test Channel', 'unheard'), pg_notify('other', '')");
      await other.promise;
      expect(heard).toEqual(["one", "last"]);
      await endOther();
    });

    test("two on one channel both hear; when one ends the other goes on", async () => {
      const [a, b] = [signal<string>(), signal<string>()];
      const endA = await sql.listen("shared", (payload) => a.resolve(payload));
      const endB = await sql.listen("shared", (payload) => payload === "2" && b.resolve(payload));
      await sql.query("SELECT pg_notify('shared', '1')");
      expect(await a.promise).toBe("1");
      await endA();
      await sql.query("SELECT pg_notify('shared', '2')");
      expect(await b.promise).toBe("2");
      await endB();
    });

    test("calls back outside whatever transaction caused it", async () => {
      const answered = signal<unknown>();
      const end = await sql.listen("inside", () =>
        sql.query("SELECT 1 AS one").then(({ rows }) => answered.resolve(rows), answered.reject),
      );
      await sql.transaction((tx) => tx.query("SELECT pg_notify('inside', '')"));
      expect(await answered.promise).toEqual([{ one: 1 }]);
      await end();
    });
  });

  describe("pool for libraries", () => {
    test("a client's transaction is its own until it is released", async () => {
      const client = await store.pool.connect();
      await client.query("BEGIN");
      await client.query("INSERT INTO things (id) VALUES ($1)", ["pooled"]);
      await client.query("ROLLBACK");
      client.release();
      expect((await store.pool.query("SELECT * FROM things WHERE id = 'pooled'")).rows).toEqual([]);
    });
  });

  describe("migrations", () => {
    test("are done once", async () => {
      expect(await migrate(sql)).toEqual([]);
    });

    test("refuse a database that is newer than the program", async () => {
      await expect(migrate(sql, [])).resolves.toEqual([]);
      await sql.query("INSERT INTO schema_migrations (name, checksum) VALUES ('9999-future.sql', 'x')");
      await expect(migrate(sql)).rejects.toMatchObject({
        code: "STORE_MIGRATION_FAILED",
        message: expect.stringContaining("9999-future.sql"),
      });
      await sql.query("DELETE FROM schema_migrations WHERE name = '9999-future.sql'");
    });

    test("refuse a file that was changed after it had been applied", async () => {
      const files = (await readMigrations()).map((file) => ({ ...file, checksum: "sha256:other" }));
      await expect(migrate(sql, files)).rejects.toMatchObject({
        code: "STORE_MIGRATION_FAILED",
        message: expect.stringContaining("was changed"),
      });
    });

    test("that fail in the middle leave nothing behind", async () => {
      const broken = { name: "9000-broken.sql", text: "CREATE TABLE half (a int); SELECT 1/0;", checksum: "x" };
      await expect(migrate(sql, [...(await readMigrations()), broken])).rejects.toMatchObject({
        code: "STORE_MIGRATION_FAILED",
        message: expect.stringContaining("9000-broken.sql"),
      });
      expect((await sql.query("SELECT to_regclass('half') AS half")).rows).toEqual([{ half: null }]);
    });
  });

  describe("inbox", () => {
    test("takes an event once per consumer, also within one batch", async () => {
      const claim = (consumer: string, ids: string[]) => sql.transaction((tx) => claimEvents(tx, consumer, ids));
      expect(await claim("inbox-a", ["e1", "e2", "e1"])).toEqual(new Set(["e1", "e2"]));
      expect(await claim("inbox-a", ["e2", "e3"])).toEqual(new Set(["e3"]));
      expect(await claim("inbox-b", ["e1"])).toEqual(new Set(["e1"]));
      expect(await claim("inbox-a", [])).toEqual(new Set());
    });

    test("forgets a claim whose effect was rolled back", async () => {
      await sql
        .transaction(async (tx) => {
          await claimEvents(tx, "inbox-c", ["e1"]);
          throw new Error("no");
        })
        .catch(() => {});
      expect(await sql.transaction((tx) => claimEvents(tx, "inbox-c", ["e1"]))).toEqual(new Set(["e1"]));
    });

    test("gives an event to exactly one of many who claim it at once, overlapping and in any order", async () => {
      const ids = Array.from({ length: 20 }, (_, n) => `c${n}`);
      const claims = await Promise.all(
        Array.from({ length: 8 }, (_, n) =>
          sql.transaction((tx) => claimEvents(tx, "inbox-d", n % 2 ? ids.toReversed().slice(0, 15) : ids.slice(0, 15))),
        ),
      );
      expect(claims.flatMap((claim) => [...claim]).sort()).toEqual(ids.toSorted());
    });
  });

  describe("fence", () => {
    test("lets the last who claimed write, and refuses those before", async () => {
      await insertIncident(sql, "fenced");
      const first = await claimIncident(sql, "fenced");
      await sql.transaction((tx) => assertFence(tx, "fenced", first));
      const second = await claimIncident(sql, "fenced");
      expect(second).toBeGreaterThan(first);
      await expect(sql.transaction((tx) => assertFence(tx, "fenced", first))).rejects.toMatchObject({
        code: "STORE_FENCED",
        details: { incidentId: "fenced", fence: first, current: second },
      });
      await sql.transaction((tx) => assertFence(tx, "fenced", second));
    });

    test("cannot be raised between the check and the commit", async () => {
      await insertIncident(sql, "raced");
      const fence = await claimIncident(sql, "raced");
      const checked = signal();
      const go = signal();
      const order: string[] = [];
      const writing = sql.transaction(async (tx) => {
        await assertFence(tx, "raced", fence);
        checked.resolve();
        await go.promise;
        await tx.query("UPDATE incidents SET title = 'written' WHERE id = 'raced'");
        order.push("written");
      });
      await checked.promise;
      const claiming = claimIncident(sql, "raced").then(() => order.push("claimed"));
      go.resolve();
      await Promise.all([writing, claiming]);
      expect(order).toEqual(["written", "claimed"]);
    });

    test("knows no incident that is not there", async () => {
      await expect(claimIncident(sql, "nowhere")).rejects.toEqual(code("STORE_FENCED"));
    });
  });

  describe("event log", () => {
    test("keeps an event once by its id, as it was, in order", async () => {
      const start = await lastEventSeq(sql);
      const first = { ...event("log-1", "inc_log"), traceparent: "00-a-b-01" };
      await sql.transaction((tx) => appendEvents(tx, [first, event("log-2", "inc_log")]));
      await sql.transaction((tx) => appendEvents(tx, [event("log-2", "inc_log"), event("log-3", "inc_other")]));
      const logged = await readEventLog(sql, { afterSeq: start, limit: 10 });
      expect(logged.map(({ event: { id } }) => id)).toEqual(["log-1", "log-2", "log-3"]);
      expect(logged[0]).toEqual({ seq: expect.any(Number), incidentId: "inc_log", event: first });
      expect((await readEventLog(sql, { afterSeq: start, incidentId: "inc_log", limit: 10 })).map(({ event: { id } }) => id)).toEqual([
        "log-1",
        "log-2",
      ]);
      expect(await readEventLog(sql, { afterSeq: start, topics: ["agent-thoughts"], limit: 10 })).toEqual([]);
      expect(await readEventLog(sql, { afterSeq: start, limit: 1 })).toHaveLength(1);
      expect(await lastEventSeq(sql)).toBe(logged.at(-1)?.seq);
    });

    test("takes text that jsonb would refuse", async () => {
      const start = await lastEventSeq(sql);
      const odd = { ...event("odd"), data: { incidentId: "inc_odd", text: "a\0b\ud800" } };
      await sql.transaction((tx) => appendEvents(tx, [odd]));
      expect((await readEventLog(sql, { afterSeq: start, limit: 1 }))[0]?.event.data).toEqual({
        incidentId: "inc_odd",
        text: "a\uFFFDb\uFFFD",
      });
    });

    test("is never skipped by a reader that follows it by seq while many append", async () => {
      const start = await lastEventSeq(sql);
      const writers = 8;
      const each = 15;
      let writing = true;
      const seen: number[] = [];
      const reader = (async () => {
        let afterSeq = start;
        for (let isLast = false; ; ) {
          const page = await readEventLog(sql, { afterSeq, limit: 7 });
          for (const { seq } of page) seen.push(seq);
          afterSeq = page.at(-1)?.seq ?? afterSeq;
          if (page.length === 0 && isLast) return;
          // One more look after the last writer has committed.
          isLast = page.length === 0 && !writing;
        }
      })();
      await Promise.all(
        Array.from({ length: writers }, async (_, writer) => {
          for (let n = 0; n < each; n++) {
            await sql.transaction(async (tx) => {
              await appendEvents(tx, [event(`many-${writer}-${n}-a`), event(`many-${writer}-${n}-b`)]);
              // The window in which another's higher seq would become visible first.
              await tx.query("SELECT count(*) FROM generate_series(1, 200)");
            });
          }
        }),
      );
      writing = false;
      await reader;
      expect(seen).toHaveLength(writers * each * 2);
      expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    });
  });

  describe("relay", () => {
    const drain = async () => {
      await sql.query("UPDATE event_log SET published_at = now() WHERE published_at IS NULL");
    };
    const unpublished = async () => (await sql.query("SELECT 1 FROM event_log WHERE published_at IS NULL")).rowCount;

    test("publishes in order, woken by each append, and marks what it published", async () => {
      await drain();
      const published: string[] = [];
      const relay = await startRelay({
        sql,
        log: silentLogger,
        publish: async (events) => {
          published.push(...events.map(({ id }) => id));
        },
      });
      await sql.transaction((tx) => appendEvents(tx, [event("r1"), event("r2")]));
      await eventually("both are published", () => (published.length === 2 ? true : undefined), 1_000);
      await sql.transaction((tx) => appendEvents(tx, [event("r3")]));
      await eventually("all is marked", async () => ((await unpublished()) === 0 ? true : undefined), 1_000);
      expect(published).toEqual(["r1", "r2", "r3"]);
      await relay.stop();
    });

    test("keeps order while the bus is away, and goes on when it is back", async () => {
      await drain();
      const published: string[] = [];
      let failures = 2;
      const relay = await startRelay({
        sql,
        log: silentLogger,
        batch: 2,
        publish: async (events) => {
          if (failures-- > 0) throw new AppError("BUS_UNAVAILABLE", "away", { retryable: true });
          published.push(...events.map(({ id }) => id));
        },
      });
      await sql.transaction((tx) => appendEvents(tx, [event("a1"), event("a2"), event("a3"), event("a4"), event("a5")]));
      await eventually("all are published", () => (published.length === 5 ? true : undefined));
      expect(published).toEqual(["a1", "a2", "a3", "a4", "a5"]);
      await relay.stop();
    });

    test("sets aside what the bus refuses for good, with the reason, and publishes the rest", async () => {
      await drain();
      const published: string[] = [];
      const relay = await startRelay({
        sql,
        log: silentLogger,
        publish: async (events) => {
          if (events.some(({ id }) => id === "bad")) throw new AppError("BUS_PAYLOAD_TOO_LARGE", "too large");
          published.push(...events.map(({ id }) => id));
        },
      });
      await sql.transaction((tx) => appendEvents(tx, [event("good1"), event("bad"), event("good2")]));
      await eventually("the log is empty", async () => ((await unpublished()) === 0 ? true : undefined));
      expect(published).toEqual(["good1", "good2"]);
      expect((await sql.query("SELECT publish_error FROM event_log WHERE id = 'bad'")).rows).toEqual([{ publish_error: "too large" }]);
      await relay.stop();
    });

    test("publishes again what it could not mark", async () => {
      await drain();
      const published: string[] = [];
      const failing: typeof sql = {
        ...sql,
        query: ((text: string, params?: unknown[]) => {
          if (/^UPDATE event_log/.test(text) && published.length === 1)
            return Promise.reject(new AppError("STORE_UNAVAILABLE", "gone", { retryable: true }));
          return sql.query(text, params);
        }) as typeof sql.query,
      };
      const relay = await startRelay({
        sql: failing,
        log: silentLogger,
        publish: async (events) => {
          published.push(...events.map(({ id }) => id));
        },
      });
      await sql.transaction((tx) => appendEvents(tx, [event("twice")]));
      await eventually("it is published twice", () => (published.length === 2 ? true : undefined));
      expect(published).toEqual(["twice", "twice"]);
      await relay.stop();
    });

    test("runs once over all processes; another goes on as soon as it stops", async () => {
      await drain();
      const by: string[] = [];
      const start = (name: string) =>
        startRelay({
          sql,
          log: silentLogger,
          leaseSeconds: 30,
          publish: async (events) => {
            for (const { id } of events) by.push(`${name}:${id}`);
          },
        });
      const first = await start("first");
      await sql.transaction((tx) => appendEvents(tx, [event("o1")]));
      await eventually("the first publishes", () => (by.length === 1 ? true : undefined));
      const second = await start("second");
      await sql.transaction((tx) => appendEvents(tx, [event("o2")]));
      await eventually("the first publishes again", () => (by.length === 2 ? true : undefined));
      await first.stop();
      await sql.transaction((tx) => appendEvents(tx, [event("o3")]));
      await eventually("the second publishes", () => (by.length === 3 ? true : undefined));
      expect(by).toEqual(["first:o1", "first:o2", "second:o3"]);
      await second.stop();
    });
  });

  describe("leases", () => {
    test("are held by one, renewed by it, and free when given back or run out", async () => {
      expect(await takeLease(sql, "l", "a", 60)).toBe(true);
      expect(await takeLease(sql, "l", "b", 60)).toBe(false);
      expect(await takeLease(sql, "l", "a", 60)).toBe(true);
      await dropLease(sql, "l", "b");
      expect(await takeLease(sql, "l", "b", 60)).toBe(false);
      await dropLease(sql, "l", "a");
      expect(await takeLease(sql, "l", "b", -1)).toBe(true);
      expect(await takeLease(sql, "l", "a", 60)).toBe(true);
    });
  });

  describe("jobs", () => {
    const send = (queue: string, data: Record<string, string> = {}, more: { singletonKey?: string; startAfterSeconds?: number } = {}) =>
      sql.transaction((tx) => store.jobs.send(tx, { queue, data, ...more }));
    const statesOf = async (queue: string) =>
      (await sql.query<{ state: string }>("SELECT state::text FROM jobs.job WHERE name = $1 ORDER BY created_on", [queue])).rows.map(
        ({ state }) => state,
      );

    test("run with their data soon after their transaction commits", async () => {
      const queue = newId("q");
      const ran = signal<unknown>();
      const stop = await store.jobs.work(queue, {}, async ({ data, attempt }) => ran.resolve({ data, attempt }));
      const sentAt = performance.now();
      await send(queue, { incidentId: "inc_1" });
      expect(await ran.promise).toEqual({ data: { incidentId: "inc_1" }, attempt: 1 });
      // Far below the poll of 30 s: it was woken.
      expect(performance.now() - sentAt).toBeLessThan(10_000);
      await stop();
    });

    test("sent in a transaction that rolls back were never sent, also when it was the first of its queue", async () => {
      const queue = newId("q");
      await sql
        .transaction(async (tx) => {
          await store.jobs.send(tx, { queue, data: { n: "1" } });
          throw new Error("no");
        })
        .catch(() => {});
      await send(queue, { n: "2" });
      const ran: unknown[] = [];
      const done = signal();
      const stop = await store.jobs.work(queue, {}, async ({ data }) => {
        ran.push(data["n"]);
        done.resolve();
      });
      await done.promise;
      await stop();
      expect(ran).toEqual(["2"]);
    });

    test("with the same key wait once; without a key each waits", async () => {
      const queue = newId("q");
      await send(queue, { n: "1" }, { singletonKey: "k" });
      await send(queue, { n: "2" }, { singletonKey: "k" });
      await send(queue, { n: "3" }, { singletonKey: "other" });
      await send(queue, { n: "4" });
      await send(queue, { n: "5" });
      expect(await statesOf(queue)).toHaveLength(4);
    });

    test("with the key of one that runs already wait their turn", async () => {
      const queue = newId("q");
      const [started, go, second] = [signal(), signal(), signal()];
      const ran: string[] = [];
      const stop = await store.jobs.work(queue, { concurrency: 1 }, async ({ data }) => {
        ran.push(data["n"] as string);
        if (data["n"] !== "1") return second.resolve();
        started.resolve();
        await go.promise;
      });
      await send(queue, { n: "1" }, { singletonKey: "k" });
      await started.promise;
      await send(queue, { n: "2" }, { singletonKey: "k" });
      go.resolve();
      await second.promise;
      await stop();
      expect(ran).toEqual(["1", "2"]);
    });

    test("that fail are tried again later, with the attempt counted", async () => {
      const queue = newId("q");
      const attempts: number[] = [];
      const done = signal();
      const stop = await store.jobs.work(queue, {}, async ({ attempt }) => {
        attempts.push(attempt);
        if (attempt === 1) throw new Error("first time fails");
        done.resolve();
      });
      await send(queue);
      await done.promise;
      await stop();
      expect(attempts).toEqual([1, 2]);
      expect(await statesOf(queue)).toEqual(["completed"]);
    });

    test("are given up after the last attempt", async () => {
      const queue = newId("q");
      // Sent before any worker has said how many attempts there are.
      await send(queue);
      let runs = 0;
      const stop = await store.jobs.work(queue, { attempts: 1 }, async () => {
        runs++;
        throw new Error("always");
      });
      await eventually("it is failed", async () => ((await statesOf(queue))[0] === "failed" ? true : undefined));
      await stop();
      expect(runs).toBe(1);
    });

    test("do not start before their time, and then do without another wake-up", async () => {
      const queue = newId("q");
      const ran = signal<number>();
      const stop = await store.jobs.work(queue, {}, async () => ran.resolve(performance.now()));
      const sentAt = performance.now();
      await send(queue, {}, { startAfterSeconds: 1 });
      const waitedMs = (await ran.promise) - sentAt;
      await stop();
      expect(waitedMs).toBeGreaterThanOrEqual(990);
      expect(waitedMs).toBeLessThan(10_000);
    });

    test("waiting in number run no more than the concurrency at a time, and all of them", async () => {
      const queue = newId("q");
      const total = 40;
      await sql.transaction(async (tx) => {
        for (let n = 0; n < total; n++) await store.jobs.send(tx, { queue, data: { n: String(n) } });
      });
      let running = 0;
      let most = 0;
      const ran = new Set<string>();
      const [full, done] = [signal(), signal()];
      const stop = await store.jobs.work(queue, { concurrency: 3 }, async ({ data }) => {
        most = Math.max(most, ++running);
        if (running === 3) full.resolve();
        // The first ones stay until there are three of them: without that many workers nothing would go on.
        await full.promise;
        running--;
        ran.add(data["n"] as string);
        if (ran.size === total) done.resolve();
      });
      await done.promise;
      await stop();
      expect(most).toBe(3);
    });

    test("under way are told to stop and waited for; those not begun stay", async () => {
      const queue = newId("q");
      const started = signal();
      let ended = false;
      const stop = await store.jobs.work(queue, { concurrency: 1 }, async ({ signal: stopping }) => {
        started.resolve();
        await new Promise<void>((resolve) => stopping.addEventListener("abort", () => resolve(), { once: true }));
        ended = true;
      });
      await send(queue, { n: "1" });
      await started.promise;
      await send(queue, { n: "2" });
      await stop();
      expect(ended).toBe(true);
      expect(await statesOf(queue)).toEqual(["completed", "created"]);
    });
  });

  describe("journal", () => {
    const entry = (n: number, body: Record<string, unknown> = { n }) => ({
      at: "2026-01-01T00:00:00.000Z",
      actor: "module:executor",
      action: "step.started",
      subject: "run_1",
      body,
    });
    const tampered = async (change: string) => {
      const verdict = signal<unknown>();
      await sql
        .transaction(async (tx) => {
          await tx.query(change);
          verdict.resolve(await verifyJournal({ ...sql, query: tx.query } as typeof sql));
          throw new Error("put back");
        })
        .catch((error: Error) => {
          if (error.message !== "put back") verdict.reject(error);
        });
      return verdict.promise;
    };

    test("is intact when empty, and names its head", async () => {
      expect(await verifyJournal(sql)).toEqual({ kind: "intact", head: { seq: 0, hash: JOURNAL_GENESIS } });
    });

    test("chains entries without gaps, also when many append at once and some roll back", async () => {
      await Promise.allSettled(
        Array.from({ length: 12 }, (_, n) =>
          sql.transaction(async (tx) => {
            await appendJournal(tx, entry(n));
            if (n % 4 === 3) throw new Error("rolled back");
          }),
        ),
      );
      const verdict = await verifyJournal(sql);
      expect(verdict).toMatchObject({ kind: "intact", head: { seq: 9 } });
      expect((await readJournal(sql, { afterSeq: 0, limit: 100 })).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    });

    test("holds whatever a body holds: numbers, nesting, order of keys, what JSON drops and jsonb refuses", async () => {
      await sql.transaction((tx) =>
        appendJournal(tx, {
          ...entry(0, {
            z: 1e21,
            a: 0.1,
            n: -0,
            deep: [{ b: undefined, a: null }],
            text: "🚨\0\ud800",
            big: 123456789012345680000,
            nan: Number.NaN,
          }),
          at: "2026-01-01T01:00:00.123456+01:00",
        }),
      );
      expect(await verifyJournal(sql)).toMatchObject({ kind: "intact" });
    });

    test("shows a changed, a removed, an inserted and a relinked entry", async () => {
      expect(await tampered(`UPDATE journal SET body = '{"n": 99}' WHERE seq = 3`)).toMatchObject({
        kind: "broken",
        seq: 3,
        problem: "changed",
      });
      expect(await tampered("UPDATE journal SET actor = 'person:mallory' WHERE seq = 4")).toMatchObject({ seq: 4, problem: "changed" });
      expect(await tampered("UPDATE journal SET at = at + interval '1 ms' WHERE seq = 4")).toMatchObject({ seq: 4, problem: "changed" });
      expect(await tampered("DELETE FROM journal WHERE seq = 5")).toMatchObject({ seq: 5, problem: "missing" });
      expect(await tampered("DELETE FROM journal WHERE seq = 1")).toMatchObject({ seq: 1, problem: "missing" });
      expect(await tampered("UPDATE journal SET prev_hash = repeat('0', 64) WHERE seq = 2")).toMatchObject({ seq: 2, problem: "relinked" });
    });

    test("shows a cut end to whoever kept a head", async () => {
      const verdict = await verifyJournal(sql);
      if (verdict.kind !== "intact") throw new Error("broken");
      const { head } = verdict;
      expect(await verifyJournal(sql, head)).toEqual(verdict);
      expect(await verifyJournal(sql, { seq: head.seq + 1, hash: "f".repeat(64) })).toMatchObject({
        kind: "broken",
        problem: "missing",
        seq: head.seq + 1,
      });
      expect(await verifyJournal(sql, { seq: 2, hash: "f".repeat(64) })).toMatchObject({ kind: "broken", problem: "changed", seq: 2 });
    });
  });

  describe("switches", () => {
    test("are off until thrown, keep who and why, and say whether they moved", async () => {
      expect(await getSwitch(sql, RED_BUTTON)).toEqual({ name: RED_BUTTON, isOn: false, reason: "", changedBy: "" });
      const on = { name: RED_BUTTON, isOn: true, reason: "fire drill", changedBy: "alice" };
      expect(await setSwitch(sql, on)).toEqual({ ...on, changed: true, changedAt: expect.any(String) });
      expect((await setSwitch(sql, on)).changed).toBe(false);
      expect(await getSwitch(sql, RED_BUTTON)).toEqual({ ...on, changedAt: expect.any(String) });
      expect((await setSwitch(sql, { ...on, isOn: false })).changed).toBe(true);
      expect((await getSwitch(sql, RED_BUTTON)).isOn).toBe(false);
    });
  });

  describe("pruning", () => {
    test("removes what is old enough, but no event that the bus does not have", async () => {
      const start = await lastEventSeq(sql);
      await sql.transaction((tx) => appendEvents(tx, [event("old"), event("older-unpublished"), event("fresh")]));
      await sql.query("UPDATE event_log SET published_at = now() WHERE id IN ('old', 'fresh')");
      await sql.query("UPDATE event_log SET published_at = now() - interval '31 days' WHERE id = 'old'");
      await sql.query("UPDATE event_log SET at = now() - interval '90 days' WHERE id = 'older-unpublished'");
      await sql.query(
        "INSERT INTO handled_events (consumer, event_id, handled_at) VALUES ('p', 'old', now() - interval '15 days'), ('p', 'fresh', now())",
      );
      expect(await prune(sql)).toEqual({ eventLog: 1, handledEvents: 1, llmCalls: 0 });
      const left = await readEventLog(sql, { afterSeq: start, limit: 10 });
      expect(left.map(({ event: { id } }) => id)).toEqual(["older-unpublished", "fresh"]);
    });
  });

  test("notices go to the channel that live streams listen on", async () => {
    const noticed = signal();
    const end = await sql.listen(EVENT_LOG_CHANNEL, () => noticed.resolve());
    await sql.transaction((tx) => appendEvents(tx, [event(newId("e"))]));
    await noticed.promise;
    await end();
  });
}
