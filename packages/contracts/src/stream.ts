import * as z from "zod";
import { ModelNote } from "./evidence.ts";
import { Timestamp } from "./primitives.ts";
import { TOPICS, type Topic } from "./topic.ts";

/** One message of the live stream: `id:` is durable and ordered, `event:` is one of three, `data:` is this. */
export const StreamMessage = z.object({
  id: z.string(),
  at: Timestamp,
  incidentId: z.string(),
  phase: z.string().optional(),
  kind: z.string(),
  text: z.string(),
  evidence: z.array(z.string()).optional(),
  model: ModelNote.optional(),
});
export type StreamMessage = z.output<typeof StreamMessage>;

export type StreamEventName = "thought" | "action" | "incident";

/** Which name a topic has in the live stream; topics without one are not streamed. */
export const STREAM_EVENT_OF_TOPIC: Partial<Record<Topic, StreamEventName>> = {
  [TOPICS.thoughts]: "thought",
  [TOPICS.actions]: "action",
  [TOPICS.events]: "incident",
};
