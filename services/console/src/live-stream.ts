// The live stream is the event log read by its sequence: nothing is kept here that a restart could lose, and the bus may be away.
import { STREAM_EVENT_OF_TOPIC, type StreamEventName, type StreamMessage, TOPICS } from "@tocsin/contracts";
import type { Logger, Sql } from "@tocsin/runtime";
import { EVENT_LOG_CHANNEL, type LoggedEvent, lastEventSeq, readEventLog } from "@tocsin/store";

export interface StreamItem {
  readonly seq: number;
  readonly event: StreamEventName;
  readonly data: StreamMessage;
  /** The item as it goes over the wire, made once for all clients. */
  readonly frame: string;
}

export interface LiveStream {
  /**
   * Calls back with everything after `afterSeq`, first what is there, then what comes, each once and in order. The callback says false when
   * it wants no more.
   * @returns ends the subscription
   */
  subscribe(from: { afterSeq: number; incidentId?: string }, onItems: (items: readonly StreamItem[]) => boolean): () => void;
  /** Where a stream starts that shows only what comes. */
  now(): Promise<number>;
  readonly subscribers: number;
  stop(): Promise<void>;
}

export const STREAMED = [TOPICS.thoughts, TOPICS.actions, TOPICS.events] as const;
const PAGE = 500;
/** With many clients what comes within this time, in milliseconds, goes out in one piece: a write to a socket costs more than what it carries. */
const MAX_PAUSE_MS = 80;
const CLIENTS_PER_PAUSE_MS = 25;

/** Pure: how long to gather before the next delivery; nothing for a handful of clients. */
export const pauseMsOf = (clients: number): number => Math.min(MAX_PAUSE_MS, Math.floor(clients / CLIENTS_PER_PAUSE_MS));

/** Pure: an event of the log as the stream shows it. */
export function streamItemOf({ seq, event }: LoggedEvent): StreamItem {
  const { at, incidentId, phase, kind, text, evidence, model } = event.data as StreamMessage;
  const name = STREAM_EVENT_OF_TOPIC[event.topic] ?? "incident";
  const data = {
    id: String(seq),
    at,
    incidentId,
    ...(phase === undefined ? {} : { phase }),
    kind,
    text,
    ...(evidence === undefined ? {} : { evidence }),
    ...(model === undefined ? {} : { model }),
  };
  return { seq, event: name, data, frame: `id: ${seq}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n` };
}

interface Subscriber {
  /** The last sequence it was given. */
  seen: number;
  readonly incidentId: string | undefined;
  readonly onItems: (items: readonly StreamItem[]) => boolean;
  /** What was committed while a page of the past was being read; undefined once it has caught up. */
  pending: StreamItem[] | undefined;
}

/** One reader of the log for all clients of the process: each commit is read once and handed to everybody who waits for it. */
export async function openLiveStream(sql: Sql, log: Logger): Promise<LiveStream> {
  const subscribers = new Set<Subscriber>();
  let position = await lastEventSeq(sql);
  let reading: Promise<void> | undefined;
  let again = false;
  let stopped = false;
  let wakeEarly: (() => void) | undefined;

  function give(subscriber: Subscriber, items: readonly StreamItem[]): void {
    const { incidentId, seen } = subscriber;
    // Nearly always all of them are new and for all incidents: the same array then serves every client.
    const isAll = incidentId === undefined && (items[0]?.seq ?? 0) > seen;
    const fresh = isAll
      ? items
      : items.filter(({ seq, data }) => seq > seen && (incidentId === undefined || data.incidentId === incidentId));
    const last = fresh.at(-1);
    if (last === undefined) return;
    subscriber.seen = last.seq;
    if (!subscriber.onItems(fresh)) subscribers.delete(subscriber);
  }

  async function readOn(): Promise<void> {
    do {
      again = false;
      for (;;) {
        const page = (await readEventLog(sql, { afterSeq: position, topics: STREAMED, limit: PAGE })).map(streamItemOf);
        position = page.at(-1)?.seq ?? position;
        for (const subscriber of page.length > 0 ? subscribers : []) {
          if (subscriber.pending === undefined) give(subscriber, page);
          else subscriber.pending.push(...page);
        }
        if (page.length < PAGE) break;
      }
      await pause(pauseMsOf(subscribers.size));
    } while (again && !stopped);
  }
  function pause(ms: number): Promise<void> {
    if (ms === 0 || stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      wakeEarly = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
  function wake(): void {
    again = true;
    if (stopped) return;
    reading ??= readOn()
      .catch((error: unknown) => log.warn({ err: error }, "live stream cannot read the event log"))
      .finally(() => {
        reading = undefined;
        // A commit that was noticed between the last look and here must not wait for the next one.
        if (again) wake();
      });
  }

  async function catchUp(subscriber: Subscriber): Promise<void> {
    while (subscribers.has(subscriber)) {
      // Whatever the common reader passed before this query starts, the query sees; what it passes from here on is kept.
      subscriber.pending = [];
      const { seen: afterSeq, incidentId } = subscriber;
      const page = await readEventLog(sql, {
        afterSeq,
        topics: STREAMED,
        limit: PAGE,
        ...(incidentId === undefined ? {} : { incidentId }),
      });
      const isLast = page.length < PAGE;
      if (!subscribers.has(subscriber)) return;
      give(subscriber, page.map(streamItemOf));
      if (isLast) {
        give(subscriber, subscriber.pending);
        subscriber.pending = undefined;
        return;
      }
    }
  }

  const stopListening = await sql.listen(EVENT_LOG_CHANNEL, wake);
  return {
    now: () => lastEventSeq(sql),
    get subscribers() {
      return subscribers.size;
    },
    subscribe({ afterSeq, incidentId }, onItems) {
      const subscriber: Subscriber = { seen: afterSeq, incidentId, onItems, pending: [] };
      subscribers.add(subscriber);
      // Whoever begins where the common reader stands has nothing to catch up on: a thousand of them are no thousand queries.
      if (afterSeq === position && reading === undefined) subscriber.pending = undefined;
      else
        catchUp(subscriber).catch((error: unknown) => {
          log.warn({ err: error }, "live stream cannot catch up");
          subscribers.delete(subscriber);
        });
      return () => void subscribers.delete(subscriber);
    },
    async stop() {
      stopped = true;
      again = false;
      subscribers.clear();
      wakeEarly?.();
      await stopListening();
      await reading;
    },
  };
}
