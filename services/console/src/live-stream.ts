// The live stream is the event log read by its sequence: nothing is kept here that a restart could lose, and the bus may be away.
import { STREAM_EVENT_OF_TOPIC, type StreamEventName, type StreamMessage, TOPICS } from "@tocsin/contracts";
import type { Logger, Sql } from "@tocsin/runtime";
import { EVENT_LOG_CHANNEL, type LoggedEvent, lastEventSeq, readEventLog } from "@tocsin/store";

export interface StreamItem {
  readonly seq: number;
  readonly event: StreamEventName;
  readonly data: StreamMessage;
}

export interface LiveStream {
  /**
   * Calls back with everything after `afterSeq`, first what is there, then what comes, each once and in order. The callback says false when
   * it wants no more.
   * @returns ends the subscription
   */
  subscribe(from: { afterSeq: number; incidentId?: string }, onItem: (item: StreamItem) => boolean): () => void;
  /** Where a stream starts that shows only what comes. */
  now(): Promise<number>;
  readonly subscribers: number;
  stop(): Promise<void>;
}

const STREAMED = [TOPICS.thoughts, TOPICS.actions, TOPICS.events] as const;
const PAGE = 500;

/** Pure: an event of the log as the stream shows it. */
export function streamItemOf({ seq, event }: LoggedEvent): StreamItem {
  const { at, incidentId, phase, kind, text, evidence } = event.data as StreamMessage;
  return {
    seq,
    event: STREAM_EVENT_OF_TOPIC[event.topic] ?? "incident",
    data: {
      id: String(seq),
      at,
      incidentId,
      ...(phase === undefined ? {} : { phase }),
      kind,
      text,
      ...(evidence === undefined ? {} : { evidence }),
    },
  };
}

interface Subscriber {
  /** The last sequence it was given. */
  seen: number;
  readonly incidentId: string | undefined;
  readonly onItem: (item: StreamItem) => boolean;
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

  function give(subscriber: Subscriber, item: StreamItem): void {
    if (item.seq <= subscriber.seen) return;
    if (subscriber.incidentId !== undefined && subscriber.incidentId !== item.data.incidentId) return;
    subscriber.seen = item.seq;
    if (!subscriber.onItem(item)) subscribers.delete(subscriber);
  }

  async function readOn(): Promise<void> {
    do {
      again = false;
      for (;;) {
        const page = await readEventLog(sql, { afterSeq: position, topics: STREAMED, limit: PAGE });
        for (const item of page.map(streamItemOf)) {
          position = item.seq;
          for (const subscriber of subscribers) {
            if (subscriber.pending === undefined) give(subscriber, item);
            else subscriber.pending.push(item);
          }
        }
        if (page.length < PAGE) break;
      }
    } while (again && !stopped);
  }
  function wake(): void {
    again = true;
    if (stopped) return;
    reading ??= readOn()
      .catch((error: unknown) => log.warn({ err: error }, "live stream cannot read the event log"))
      .finally(() => {
        reading = undefined;
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
      for (const item of [...page.map(streamItemOf), ...(isLast ? subscriber.pending : [])]) {
        if (!subscribers.has(subscriber)) return;
        give(subscriber, item);
      }
      if (isLast) {
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
    subscribe({ afterSeq, incidentId }, onItem) {
      const subscriber: Subscriber = { seen: afterSeq, incidentId, onItem, pending: [] };
      subscribers.add(subscriber);
      catchUp(subscriber).catch((error: unknown) => {
        log.warn({ err: error }, "live stream cannot catch up");
        subscribers.delete(subscriber);
      });
      return () => void subscribers.delete(subscriber);
    },
    async stop() {
      stopped = true;
      subscribers.clear();
      await stopListening();
      await reading;
    },
  };
}
