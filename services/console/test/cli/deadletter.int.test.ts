// Over a real bus: an event that a consumer could not process is kept, listed, and sent again once the consumer is mended.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type EventBus, openBus } from "@tocsin/bus";
import { eventOf, IncidentMoved, TOPICS } from "@tocsin/contracts";
import { silentLogger } from "@tocsin/runtime";
import { openStore, type Store } from "@tocsin/store";
import {
  eventually,
  KAFKA_PROGRAMS,
  lacks,
  POSTGRES_PROGRAMS,
  type RunningKafka,
  type RunningPostgres,
  startKafka,
  startPostgres,
} from "@tocsin/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { keepDeadLetters } from "../../src/dead-letters.ts";

const PROGRAM = fileURLToPath(new URL("../../src/cli/deadletter.ts", import.meta.url));

describe.skipIf(lacks(...KAFKA_PROGRAMS, ...POSTGRES_PROGRAMS))("npm run deadletter", () => {
  let kafka: RunningKafka;
  let postgres: RunningPostgres;
  let store: Store;
  let bus: EventBus;
  let env: Record<string, string>;

  beforeAll(async () => {
    [kafka, postgres] = await Promise.all([startKafka({ isShortLived: true }), startPostgres()]);
    env = { TOCSIN_STORE_URL: await postgres.createDatabase("letters"), TOCSIN_BUS_URL: `kafka://127.0.0.1:${kafka.port}` };
    store = await openStore({ url: env["TOCSIN_STORE_URL"] as string, log: silentLogger });
    bus = await openBus({ url: env["TOCSIN_BUS_URL"] as string, log: silentLogger });
    await keepDeadLetters(bus, store.sql);
  }, 120_000);
  afterAll(async () => {
    await bus?.close();
    await store?.close();
    await Promise.all([kafka?.stop(), postgres?.stop()]);
  });

  const run = (...args: string[]): Promise<{ code: number; out: string; err: string }> =>
    new Promise((resolve) => {
      const program = ["--disable-warning=ExperimentalWarning", PROGRAM, ...args];
      execFile(process.execPath, program, { env: { ...process.env, ...env } }, (error, out, err) =>
        resolve({ code: error === null ? 0 : Number(error.code), out, err }),
      );
    });

  test("lists, shows, sends again and puts away what a consumer could not process", async () => {
    const handled: string[] = [];
    let mended = false;
    await bus.subscribe({
      group: "tocsin.test",
      topics: [TOPICS.events],
      maxAttempts: 1,
      async handle({ events }) {
        if (!mended) throw new Error("out of order");
        handled.push(...events.map(({ id }) => id));
      },
    });
    const at = "2026-01-01T00:00:00.000Z";
    const moved = (id: string) =>
      eventOf(IncidentMoved, { id, source: "/test", time: at }, { incidentId: id, at, kind: "closed", text: "", state: "closed" });
    await bus.publish([moved("one"), moved("two")]);
    const listed = await eventually(
      "both are kept",
      async () => {
        const { out } = await run("list", "--json");
        const items = out
          .trim()
          .split("\n")
          .filter(Boolean)
          .map((line) => JSON.parse(line) as { id: string; headers: { ce_id: string } });
        return items.length === 2 ? items : undefined;
      },
      30_000,
    );
    const idOf = (event: string) => listed.find(({ headers }) => headers.ce_id === event)?.id as string;

    const table = await run("list");
    expect(table).toMatchObject({ code: 0, err: expect.stringContaining("2 held") });
    expect(table.out).toMatch(/held {2}BUS_HANDLER_FAILED {2}sre-events\/\d@\d+ tocsin\.test {2}.*out of order/);
    const shown = await run("show", idOf("one"));
    expect(JSON.parse(shown.out)).toMatchObject({
      origin: { topic: "sre-events", group: "tocsin.test" },
      body: expect.stringContaining('"one"'),
    });

    mended = true;
    expect(await run("replay", idOf("one"), "--by", "ada")).toMatchObject({ code: 0, out: `replayed ${idOf("one")}\n` });
    await eventually("it arrives under its old id", () => (handled.includes("one") ? true : undefined));
    expect(await run("drop", "--all")).toMatchObject({ code: 0, out: `dropped ${idOf("two")}\n` });
    expect(handled).toEqual(["one"]);
    expect(await run("list")).toMatchObject({ out: "", err: expect.stringContaining("0 held") });
    const { rows } = await store.sql.query("SELECT actor, action FROM journal WHERE subject = $1", [idOf("one")]);
    expect(rows).toEqual([{ actor: "ada", action: "dead-letter.replayed" }]);

    // What was decided once is not decided again, and what is not there is said.
    expect(await run("replay", idOf("two"), "nothing")).toMatchObject({
      code: 1,
      out: "",
      err: expect.stringMatching(/DEAD_LETTER_CONFLICT[\s\S]*DEAD_LETTER_UNKNOWN[\s\S]*0 replayed, 2 failed/),
    });
  }, 180_000);

  test("says in one line what is wrong with its arguments, and needs no server for that", async () => {
    for (const [args, said] of [
      [["burn"], /say list, show, replay or drop, not "burn"/],
      [["replay"], /replay wants ids, or --all/],
      [["list", "--state", "lost"], /--state is held, replayed, dropped or all/],
      [["list", "--limit", "0"], /--limit is a number from 1 to 1000/],
    ] as const) {
      const { code, err } = await run(...args);
      expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(said) });
      expect(err.trim().split("\n")).toHaveLength(1);
    }
    expect((await run("--help")).out).toContain("npm run deadletter -- list|show|replay|drop");
  });
});
