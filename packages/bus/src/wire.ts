// CloudEvents in binary mode: the attributes travel as `ce_*` headers, the value is the data as JSON, `traceparent` stands beside
// them as W3C and OpenTelemetry want it. @see cloudevents/spec, kafka-protocol-binding.md
import { trace } from "@opentelemetry/api";
import {
  ALL_TOPICS,
  DeadLetterRecorded,
  type Envelope,
  EnvelopeAttributes,
  EVENTS,
  type OutgoingEvent,
  type Topic,
} from "@tocsin/contracts";
import { AppError, messageOf } from "@tocsin/runtime";
import { busEventUnknown, busPayloadInvalid, busPayloadTooLarge, busTopicUnknown } from "./errors.ts";

/** Most bytes of an event's data as JSON: 1 MiB. */
export const MAX_VALUE_BYTES = 1_048_576;
/** A dead letter carries another event in base64, which may be longer than what a publisher may send. */
export const MAX_DEAD_LETTER_BYTES = 2_621_440;

/** An event in the form in which it is stored. */
export interface WireRecord {
  readonly topic: Topic;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string;
  readonly bytes: number;
}

/** A stored event as an adapter reads it back. */
export interface StoredRecord {
  readonly offset: number;
  readonly headers: Readonly<Record<string, string>>;
  /** UTF-8 text where it is; what is not decodes with replacement characters and then fails as JSON. */
  readonly value: string;
  /** The value as it lies on the wire, for the dead letter. */
  readonly raw?: Uint8Array;
}

/**
 * Checks an event against its definition and writes its envelope.
 * @throws AppError `BUS_PAYLOAD_INVALID`, `BUS_PAYLOAD_TOO_LARGE`, `BUS_TOPIC_UNKNOWN`
 */
export function encode(event: OutgoingEvent): WireRecord {
  const definition = EVENTS.get(event.type);
  if (!definition) throw busPayloadInvalid(`no event type is called ${JSON.stringify(event.type)}`, { type: event.type });
  if (!ALL_TOPICS.includes(event.topic)) throw busTopicUnknown(event.topic);
  const { id, type, source, time } = event;
  const traceparent = event.traceparent ?? activeTraceparent();
  const attributes = EnvelopeAttributes.safeParse({ id, type, source, time, traceparent });
  const data = definition.schema.safeParse(event.data);
  const problem = attributes.error ?? data.error;
  if (problem || !attributes.success) {
    const [issue] = problem?.issues ?? [];
    const where = issue?.path.join(".") ?? "";
    throw busPayloadInvalid(`${event.type} ${event.id} does not fit its schema at ${where || "its root"}: ${issue?.message}`, {
      type: event.type,
      id: event.id,
      issues: problem?.issues.slice(0, 10),
    });
  }
  const value = JSON.stringify(data.data);
  const bytes = Buffer.byteLength(value);
  const limit = event.type === DeadLetterRecorded.type ? MAX_DEAD_LETTER_BYTES : MAX_VALUE_BYTES;
  if (bytes > limit) throw busPayloadTooLarge(event.id, bytes, limit);
  return { topic: event.topic, key: event.key, headers: headersOf(attributes.data), value, bytes };
}

function headersOf(attributes: { id: string; type: string; source: string; time: string; traceparent?: string | undefined }) {
  return {
    ce_specversion: "1.0",
    ce_id: storable(attributes.id),
    ce_type: attributes.type,
    ce_source: storable(attributes.source),
    ce_time: attributes.time,
    "content-type": "application/json",
    ...(attributes.traceparent === undefined ? {} : { traceparent: storable(attributes.traceparent) }),
  };
}

/** Text as every adapter can keep it: PostgreSQL stores neither NUL nor half a surrogate pair. */
export const storable = (text: string): string => text.toWellFormed().replaceAll("\0", "\ufffd");

/**
 * Reads an event back and checks it again: whatever wrote it, a handler only ever sees what fits the contract.
 * @throws AppError `BUS_PAYLOAD_INVALID`, `BUS_EVENT_UNKNOWN`
 */
export function decode({ headers, value }: Pick<StoredRecord, "headers" | "value">): Envelope {
  if (headers["ce_specversion"] !== "1.0")
    throw busPayloadInvalid("not a CloudEvent 1.0 in binary mode: ce_specversion is missing or other");
  const attributes = EnvelopeAttributes.safeParse({
    id: headers["ce_id"],
    type: headers["ce_type"],
    source: headers["ce_source"],
    time: headers["ce_time"],
    traceparent: headers["traceparent"] ?? headers["ce_traceparent"],
  });
  if (!attributes.success) throw busPayloadInvalid(`envelope: ${firstIssue(attributes.error.issues)}`);
  const definition = EVENTS.get(attributes.data.type);
  if (!definition) throw busEventUnknown(attributes.data.type);
  const data = definition.schema.safeParse(parseJson(value));
  if (!data.success) throw busPayloadInvalid(`data of ${attributes.data.type}: ${firstIssue(data.error.issues)}`);
  const { traceparent, ...rest } = attributes.data;
  return { ...rest, ...(traceparent === undefined ? {} : { traceparent }), data: data.data };
}

const firstIssue = ([issue]: readonly { path: PropertyKey[]; message: string }[]): string =>
  `${issue?.path.join(".") || "root"}: ${issue?.message ?? "invalid"}`;

function parseJson(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch (error) {
    throw busPayloadInvalid(`value is not JSON: ${messageOf(error)}`);
  }
}

function activeTraceparent(): string | undefined {
  const context = trace.getActiveSpan()?.spanContext();
  if (!context || !/[1-9a-f]/.test(context.traceId)) return undefined;
  return `00-${context.traceId}-${context.spanId}-${context.traceFlags.toString(16).padStart(2, "0")}`;
}

/** Reads as many events as are sound; stops before the first one that is not and says what is wrong with it. */
export function decodeRun(records: readonly StoredRecord[]): { events: Envelope[]; bad?: { record: StoredRecord; error: AppError } } {
  const events: Envelope[] = [];
  for (const record of records) {
    try {
      events.push(decode(record));
    } catch (error) {
      if (!AppError.is(error)) throw error;
      return { events, bad: { record, error } };
    }
  }
  return { events };
}
