// Dead letters become rows as they come, so that a person can read them after the topic has forgotten them and send them again.

import type { Delivery, EventBus, Subscription } from "@tocsin/bus";
import { type DeadLetter, EVENTS, type OutgoingEvent, TOPICS, type Topic } from "@tocsin/contracts";
import { type Clock, isoTime, messageOf, type Sql } from "@tocsin/runtime";
import { appendJournal, claimEvents, type DeadLetterEntry, decideDeadLetter, keepDeadLetter, takeDeadLetter } from "@tocsin/store";
import { letterDecided, letterUnknown, letterUnreadable } from "./errors.ts";

const GROUP = "tocsin.console";

export const keepDeadLetters = (bus: EventBus, sql: Sql): Promise<Subscription> =>
  bus.subscribe({
    group: GROUP,
    topics: [TOPICS.deadLetter],
    handle: ({ events }: Delivery) =>
      sql.transaction(async (tx) => {
        const fresh = new Set(
          await claimEvents(
            tx,
            GROUP,
            events.map(({ id }) => id),
          ),
        );
        for (const event of events) if (fresh.has(event.id)) await keepDeadLetter(tx, event.id, event.data as DeadLetter);
      }),
  });

export interface LetterDecision {
  readonly id: string;
  readonly state: "replayed" | "dropped";
  readonly by: string;
}

/**
 * Sends a letter's event again to where it came from, or puts it away; the journal says who did.
 *
 * @throws AppError `DEAD_LETTER_UNKNOWN`, `DEAD_LETTER_CONFLICT`, `DEAD_LETTER_INVALID`, `BUS_UNAVAILABLE`; the letter then is as it was
 */
export const decideLetter = (
  { sql, bus, clock }: { readonly sql: Sql; readonly bus: Pick<EventBus, "publish">; readonly clock: Clock },
  { id, state, by }: LetterDecision,
): Promise<void> =>
  sql.transaction(async (tx) => {
    const letter = await takeDeadLetter(tx, id);
    if (letter === undefined) throw letterUnknown(id);
    if (letter.state !== "held") throw letterDecided(id, letter.state);
    const at = isoTime(clock.now());
    await decideDeadLetter(tx, id, { state, by, at });
    await appendJournal(tx, { at, actor: by, action: `dead-letter.${state}`, subject: id, body: { code: letter.code } });
    if (state === "dropped") return;
    const read = eventOfLetter(letter);
    if ("problem" in read) throw letterUnreadable(id, read.problem);
    // Last, and under its old id: should the commit fail after it, consumers that handled the event once ignore it.
    await bus.publish([read.event]);
  });

export const textOf = (letter: Pick<DeadLetterEntry, "value">): string => Buffer.from(letter.value, "base64").toString("utf8");

/** Pure: the letter as the event it was, or why it still is none. */
export function eventOfLetter(letter: DeadLetterEntry): { event: OutgoingEvent } | { problem: string } {
  const { headers } = letter;
  const { ce_id: id, ce_type: type, ce_source: source, ce_time: time, traceparent } = headers;
  if (id === undefined || type === undefined || source === undefined || time === undefined)
    return { problem: "its envelope lacks an attribute of CloudEvents" };
  const definition = EVENTS.get(type);
  if (definition === undefined) return { problem: `no event type is called ${type}` };
  try {
    const data = definition.schema.parse(JSON.parse(textOf(letter)));
    const topic = letter.origin.topic as Topic;
    return {
      event: { id, topic, key: definition.key(data), type, source, time, ...(traceparent === undefined ? {} : { traceparent }), data },
    };
  } catch (error) {
    return { problem: messageOf(error).slice(0, 500) };
  }
}
