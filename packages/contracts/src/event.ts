// Terms. An *event* is a fact that has happened, as a CloudEvent: the envelope is written by the bus (binary mode,
// `ce_*` headers), `data` by the publisher. A *key* orders: events with equal keys are delivered in order.
import * as z from "zod";
import { Timestamp } from "./primitives.ts";
import type { Topic } from "./topic.ts";

/** The envelope every handler gets. `source` + `id` is unique. */
export interface Envelope<Data = unknown> {
  readonly id: string;
  /** `dev.tocsin.<subject>.<past-tense>.v<n>` */
  readonly type: string;
  /** URI reference of the module that published it, e.g. `/tocsin/bridge`. */
  readonly source: string;
  readonly time: string;
  readonly traceparent?: string;
  readonly data: Data;
}

/** An event ready to be published: checked data, its topic and its key. */
export interface OutgoingEvent<Data = unknown> {
  readonly id: string;
  readonly type: string;
  readonly source: string;
  readonly time: string;
  readonly traceparent?: string;
  readonly topic: Topic;
  readonly key: string;
  readonly data: Data;
}

export const EnvelopeAttributes = z.compile(
  z.object({
    id: z.string().min(1).max(200),
    type: z.string().regex(/^dev\.tocsin\.[a-z-]+\.[a-z-]+\.v\d+$/),
    source: z.string().min(1),
    time: Timestamp,
    traceparent: z.string().optional(),
  }),
);

export interface EventDefinition<Schema extends z.ZodType> {
  readonly type: string;
  readonly schema: Schema;
  readonly topic: (data: z.output<Schema>) => Topic;
  readonly key: (data: z.output<Schema>) => string;
}

/** Declares an event type once: its name, the schema of its data, where it travels and what keeps it in order. */
export function defineEvent<Schema extends z.ZodType>(definition: {
  type: string;
  data: Schema;
  topic: Topic | ((data: z.output<Schema>) => Topic);
  key: (data: z.output<Schema>) => string;
}): EventDefinition<Schema> {
  const { type, topic, key } = definition;
  let compiled: Schema | undefined;
  return {
    type,
    /** As code, which takes half as long: every event is checked on its way out and in. Made when it is first asked for: that takes a millisecond. */
    get schema() {
      compiled ??= z.compile(definition.data);
      return compiled;
    },
    topic: typeof topic === "function" ? topic : () => topic,
    key,
  };
}

/**
 * Builds an event ready to publish.
 *
 * @param attributes `id` is the idempotency key of the effect that it tells of: the same effect gives the same id
 * @throws ZodError when `data` does not fit the definition: a bug of the publisher
 */
export function eventOf<Schema extends z.ZodType>(
  definition: EventDefinition<Schema>,
  attributes: { id: string; source: string; time: string; traceparent?: string },
  data: z.input<Schema>,
): OutgoingEvent<z.output<Schema>> {
  const checked = definition.schema.parse(data);
  return {
    id: attributes.id,
    source: attributes.source,
    time: attributes.time,
    ...(attributes.traceparent === undefined ? {} : { traceparent: attributes.traceparent }),
    type: definition.type,
    topic: definition.topic(checked),
    key: definition.key(checked),
    data: checked,
  };
}
