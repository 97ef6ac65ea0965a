// Terms. The *inbox* holds events that were acknowledged while the bus was away. While it holds any, new events *queue
// behind* it instead of overtaking it: the order in which a sender told us things is the order in which they arrive.
import type { EventBus } from "@tocsin/bus";
import type { OutgoingEvent } from "@tocsin/contracts";
import { backoffMs, type Clock, type Logger, messageOf, type Sql } from "@tocsin/runtime";
import { appendToInbox, inboxDepth, readInbox, removeFromInbox } from "@tocsin/store";
import { isRefusal, publishWithin } from "./publish.ts";

export interface InboxRelay {
  /** Must new events queue behind the inbox? True from the first failed publish until the inbox has been seen empty. */
  readonly isQueueing: boolean;
  /** Events that wait, as last seen. */
  readonly depth: number;
  /** Keeps events for later; resolves when they are durable. */
  keep(events: readonly OutgoingEvent[]): Promise<void>;
  /** Relays from now on; resolves after the first look into the inbox. */
  start(): Promise<void>;
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>;
}

export interface RelayDeps {
  readonly sql: Sql;
  readonly bus: Pick<EventBus, "publish">;
  readonly clock: Clock;
  readonly log: Logger;
  /** An event that the bus refuses for good, to be kept where a person sees it. Durable when it resolves. */
  readonly onRefused: (event: OutgoingEvent, error: unknown) => Promise<void>;
  readonly onDepth?: (events: number) => void;
  readonly publishTimeoutMs: number;
}

const BATCH = 500;
/** How often an idle relay looks for rows that another process left, in milliseconds. */
const IDLE_MS = 5_000;
const MAX_BACKOFF_MS = 10_000;

/** Several processes may relay at once: each publishes in order, so the first copy of every event arrives in order too. */
export function createInboxRelay({ sql, bus, clock, log, onRefused, onDepth, publishTimeoutMs }: RelayDeps): InboxRelay {
  const stopped = new AbortController();
  let queueing = true; // what an earlier process left is not known before the first look
  let depth = 0;
  let keeping = 0;
  let generation = 0;
  let wake: () => void = () => {};
  let running: Promise<void> = Promise.resolve();

  function seen(events: number): void {
    depth = events;
    onDepth?.(events);
  }

  async function relayOnce(): Promise<"empty" | "more"> {
    const before = generation;
    const rows = await readInbox(sql, BATCH);
    if (rows.length === 0) {
      seen(0);
      // An append that began meanwhile may not be visible yet: look again rather than let newer events overtake it.
      if (keeping > 0 || generation !== before) return "more";
      queueing = false;
      return "empty";
    }
    queueing = true;
    try {
      await publishWithin(
        bus,
        rows.map(({ event }) => event),
        publishTimeoutMs,
      );
    } catch (error) {
      if (!isRefusal(error)) throw error;
      for (const { event } of rows) {
        try {
          await publishWithin(bus, [event], publishTimeoutMs);
        } catch (refusal) {
          if (!isRefusal(refusal)) throw refusal;
          await onRefused(event, refusal);
        }
      }
    }
    // A crash before this line publishes the rows again: the same ids, so consumers handle them once.
    await removeFromInbox(
      sql,
      rows.map(({ seq }) => seq),
    );
    seen(await inboxDepth(sql));
    log.info({ events: rows.length, left: depth }, "inbox relayed");
    return "more";
  }

  async function pause(ms: number): Promise<void> {
    const woken = new AbortController();
    wake = () => woken.abort();
    try {
      await clock.sleep(ms, AbortSignal.any([stopped.signal, woken.signal]));
    } catch {
      // woken or stopped
    }
  }

  async function loop(looked: () => void): Promise<void> {
    let failures = 0;
    while (!stopped.signal.aborted) {
      try {
        const left = await relayOnce();
        failures = 0;
        looked();
        if (left === "empty") await pause(IDLE_MS);
        else await new Promise((resolve) => setImmediate(resolve));
      } catch (error) {
        failures++;
        looked();
        if (failures === 1) log.warn({ err: error, reason: messageOf(error), depth }, "inbox relay waits");
        await clock.sleep(backoffMs(failures, 200, MAX_BACKOFF_MS), stopped.signal).catch(() => undefined);
      }
    }
  }

  return {
    get isQueueing() {
      return queueing;
    },
    get depth() {
      return depth;
    },
    async keep(events) {
      queueing = true;
      keeping++;
      generation++;
      try {
        await appendToInbox(sql, events);
        seen(depth + events.length);
      } finally {
        keeping--;
        wake();
      }
    },
    async start() {
      let looked: () => void = () => {};
      const firstLook = new Promise<void>((resolve) => (looked = resolve));
      running = loop(looked);
      await firstLook;
    },
    async stop() {
      stopped.abort();
      await running;
    },
  };
}
