import type { EventBus } from "@tocsin/bus";
import type { OutgoingEvent } from "@tocsin/contracts";
import { type Logger, messageOf } from "@tocsin/runtime";
import { isRefusal, publishWithin } from "./publish.ts";
import type { InboxRelay } from "./relay.ts";

/** An event that the bus will never take. */
export interface RefusedEvent {
  readonly event: OutgoingEvent;
  readonly error: unknown;
}

export interface Sender {
  /**
   * Makes events durable: on the bus, else in the inbox.
   * @returns those that the bus refuses for good; the others are durable
   * @throws what the inbox throws when neither takes them
   */
  send(events: readonly OutgoingEvent[]): Promise<readonly RefusedEvent[]>;
}

export interface SenderDeps {
  readonly bus: Pick<EventBus, "publish">;
  readonly relay: Pick<InboxRelay, "isQueueing" | "keep">;
  readonly log: Logger;
  readonly publishTimeoutMs: number;
}

/** Events in one call of the bus. */
const BATCH = 500;

interface Waiting {
  readonly events: readonly OutgoingEvent[];
  readonly resolve: (refused: readonly RefusedEvent[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One call of the bus at a time. What arrives meanwhile waits and goes out together: in a storm a hundred deliveries cost one
 * commit, and the order in which they came is the order in which they are published.
 */
export function createSender({ bus, relay, log, publishTimeoutMs }: SenderDeps): Sender {
  let waiting: Waiting[] = [];
  let isRunning = false;

  /** As many deliveries as fit into one call; at least one. */
  function nextGroup(): Waiting[] {
    let size = 0;
    let count = 0;
    for (const { events } of waiting) {
      size += events.length;
      if (count > 0 && size > BATCH) break;
      count++;
    }
    const group = waiting.slice(0, count);
    waiting = waiting.slice(count);
    return group;
  }

  async function run(): Promise<void> {
    isRunning = true;
    while (waiting.length > 0) {
      const group = nextGroup();
      try {
        const refused = await deliver(group.flatMap(({ events }) => events));
        for (const { events, resolve } of group) resolve(refused.filter(({ event }) => events.includes(event)));
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    isRunning = false;
  }

  async function deliver(events: readonly OutgoingEvent[]): Promise<readonly RefusedEvent[]> {
    const refused: RefusedEvent[] = [];
    for (let at = 0; at < events.length; at += BATCH) {
      if (relay.isQueueing) {
        await relay.keep(events.slice(at));
        break;
      }
      const batch = events.slice(at, at + BATCH);
      try {
        await publishWithin(bus, batch, publishTimeoutMs);
      } catch (error) {
        if (isRefusal(error)) {
          const [head, ...rest] = batch;
          if (rest.length === 0) refused.push({ event: head as OutgoingEvent, error });
          else for (const event of batch) refused.push(...(await deliver([event])));
        } else {
          log.warn({ err: error, reason: messageOf(error), events: events.length - at }, "bus away, kept in the inbox");
          await relay.keep(events.slice(at));
          break;
        }
      }
    }
    return refused;
  }

  return {
    send(events) {
      if (events.length === 0) return Promise.resolve([]);
      return new Promise((resolve, reject) => {
        waiting.push({ events, resolve, reject });
        if (!isRunning) void run();
      });
    },
  };
}
