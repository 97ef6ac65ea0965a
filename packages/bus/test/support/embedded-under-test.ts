import { AppError, type Queryable, type Sql, silentLogger } from "@tocsin/runtime";
import { embeddedBus } from "../../src/embedded/embedded-bus.ts";
import { append } from "../../src/embedded/log.ts";
import type { EventBus } from "../../src/event-bus.ts";
import { encode, type WireRecord } from "../../src/wire.ts";
import type { BusUnderTest } from "../conformance.ts";
import { opened } from "./events.ts";
import type { TestSql } from "./test-sql.ts";

const LEASE_MS = 2_000;

/** The embedded bus over any database; handles see it through a switch that can hold or refuse their statements. */
export async function embeddedUnderTest(
  sql: TestSql,
  outage: (refuse: (isAway: boolean) => void) => Promise<() => Promise<void>>,
): Promise<BusUnderTest> {
  await sql.exec("TRUNCATE bus_partitions, bus_log, bus_claims, bus_members");
  const handles: EventBus[] = [];
  const wires: ReturnType<typeof switchable>[] = [];
  const open = () => {
    const wire = switchable(sql);
    const bus = embeddedBus({
      sql: wire.sql,
      log: silentLogger,
      leaseMs: LEASE_MS,
      safetyPollMs: 2_000,
      backoffBaseMs: 20,
      backoffMaxMs: 200,
    });
    handles.push(bus);
    wires.push(wire);
    return { bus, freeze: wire.freeze, thaw: wire.thaw };
  };
  return {
    open: async () => open().bus,
    openFreezable: async () => open(),
    async inject({ topic, key, headers, value }) {
      await open().bus.ping();
      const frame = encode(opened(key, 0));
      await sql.query("INSERT INTO bus_partitions SELECT $1, p FROM generate_series(0, 7) p ON CONFLICT DO NOTHING", [topic]);
      const record: WireRecord = { ...frame, topic, key, headers, value };
      await sql.transaction((tx) => append(tx, [record]));
    },
    outage: () =>
      outage((isAway) => {
        for (const wire of wires) wire.refuse(isAway);
      }),
    outageMs: 1_500,
    memberTimeoutMs: LEASE_MS,
    async close() {
      for (const wire of wires) wire.thaw();
      await Promise.all(handles.map((bus) => bus.close()));
    },
  };
}

function switchable(sql: Sql) {
  let isAway = false;
  let frozen: Promise<void> | undefined;
  let thaw = () => {};
  async function pass(): Promise<void> {
    await frozen;
    if (isAway) throw new AppError("STORE_UNAVAILABLE", "away", { retryable: true });
  }
  const over: Sql = {
    async query<Row extends object>(text: string, params?: readonly unknown[]) {
      await pass();
      return reworded(() => sql.query<Row>(text, params));
    },
    async transaction<T>(work: (tx: Queryable) => Promise<T>) {
      await pass();
      return reworded(() => sql.transaction(work));
    },
    listen: (channel, onNotice) =>
      sql.listen(channel, (payload) => {
        if (frozen === undefined && !isAway) onNotice(payload);
      }),
  };
  return {
    sql: over,
    freeze() {
      frozen = new Promise((resolve) => {
        thaw = resolve;
      });
    },
    thaw() {
      thaw();
      frozen = undefined;
    },
    refuse(away: boolean) {
      isAway = away;
    },
  };
}

/** Connection errors of the driver as the store reports them. */
async function reworded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code = "", message } = error as { code?: string; message: string };
    if (/^(ECONN|57P|08)/.test(code) || /terminated|ended|timeout/i.test(message))
      throw new AppError("STORE_UNAVAILABLE", message, { retryable: true, cause: error });
    throw error;
  }
}
