// Dead letters become rows as they come, so that a person can read them after the topic has forgotten them and send them again.

import type { Delivery, EventBus, Subscription } from "@tocsin/bus";
import { type DeadLetter, EVENTS, type OutgoingEvent, TOPICS, type Topic } from "@tocsin/contracts";
import { messageOf, type Sql } from "@tocsin/runtime";
import { claimEvents, type DeadLetterEntry, keepDeadLetter } from "@tocsin/store";

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
