// Terms. A *topic* has a fixed number of *partitions*; a *key* decides the partition, and within it order holds. A
// *consumer group* shares the partitions of its topics among its members and remembers how far each was handled.
import type { Envelope, OutgoingEvent, Topic } from "@tocsin/contracts";

/** What a handler gets: checked events of one partition, in order, at least once. */
export interface Delivery {
  readonly topic: Topic;
  readonly partition: number;
  readonly events: readonly Envelope[];
  /**
   * Aborts when the partition is taken away or the consumer stops. Leave what is not yet done by throwing: that is counted against
   * nobody, and the events come again. A handler that returns has done everything.
   */
  readonly signal: AbortSignal;
}

export interface SubscribeOptions {
  /** Consumer group, `tocsin.<module>`. */
  readonly group: string;
  /** In order of urgency: what waits on an earlier topic is delivered before what waits on a later one. */
  readonly topics: readonly Topic[];
  /** Most events in one delivery. Default 200. */
  readonly maxBatch?: number;
  /**
   * Does the work of one delivery in one short transaction. When it throws, the same events are delivered again after a
   * back-off; after `maxAttempts` deliveries of one event that fail alone it goes to `sre-deadletter` and the partition moves on. An
   * error that says `retryable` is retried for as long as it takes.
   */
  readonly handle: (delivery: Delivery) => Promise<void>;
  /** Default 5. */
  readonly maxAttempts?: number;
}

export interface Subscription {
  /** Stops fetching, waits for the delivery under way, gives the partitions back. */
  stop(): Promise<void>;
  pause(): void;
  resume(): void;
}

/** The bus port. At least once, ordered per key, JSON in between; every adapter passes the same conformance suite. */
export interface EventBus {
  /**
   * Resolves when all events are durable.
   * @throws AppError `BUS_UNAVAILABLE` (retryable), `BUS_PAYLOAD_INVALID`, `BUS_PAYLOAD_TOO_LARGE` (over 1 MiB)
   */
  publish(events: readonly OutgoingEvent[]): Promise<void>;
  subscribe(options: SubscribeOptions): Promise<Subscription>;
  /** Events not yet handled by a group, over all its topics. */
  lag(group: string): Promise<number>;
  /** Answers when the bus does. @throws AppError `BUS_UNAVAILABLE` */
  ping(): Promise<void>;
  close(): Promise<void>;
}
