import { type DeadLetter, DeadLetterRecorded, eventOf, type OutgoingEvent, type Topic } from "@tocsin/contracts";
import { AppError, isoTime, messageOf } from "@tocsin/runtime";
import type { StoredRecord } from "./wire.ts";

export interface Origin {
  readonly topic: Topic;
  readonly partition: number;
  readonly group: string;
}

/**
 * The letter for one event that a group could not process: the event as it lay on the wire, where it came from and why.
 * The id follows from the origin, so that the same event sent away twice by one group is one letter.
 */
export function deadLetterOf(origin: Origin, record: StoredRecord, error: unknown, nowMs: number): OutgoingEvent<DeadLetter> {
  const at = isoTime(nowMs);
  const value = record.raw === undefined ? Buffer.from(record.value) : Buffer.from(record.raw);
  const traceparent = record.headers["traceparent"];
  return eventOf(
    DeadLetterRecorded,
    {
      id: `dlq:${origin.group}:${origin.topic}:${origin.partition}:${record.offset}`,
      source: "/tocsin/bus",
      time: at,
      ...(traceparent === undefined ? {} : { traceparent }),
    },
    {
      at,
      code: AppError.is(error) ? error.code : "BUS_HANDLER_FAILED",
      text: messageOf(error).slice(0, 2_000),
      origin: { topic: origin.topic, partition: origin.partition, offset: String(record.offset), group: origin.group },
      headers: { ...record.headers },
      value: value.toString("base64"),
    },
  );
}
