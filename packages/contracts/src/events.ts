import * as z from "zod";
import { Alert } from "./alert.ts";
import { defineEvent, type EventDefinition } from "./event.ts";
import { ModelNote } from "./evidence.ts";
import { IncidentState } from "./incident.ts";
import { Timestamp } from "./primitives.ts";
import { RunState, StepState } from "./run.ts";
import { TOPICS, topicOfSeverity } from "./topic.ts";

const alertEvent = (type: string) =>
  defineEvent({ type, data: Alert, topic: (alert) => topicOfSeverity(alert.severity), key: (alert) => alert.scope });

export const AlertFiring = alertEvent("dev.tocsin.alert.firing.v1");
export const AlertResolved = alertEvent("dev.tocsin.alert.resolved.v1");

/** What every event about an incident says, so that one stream can show them all. */
const AboutIncident = z.object({ incidentId: z.string().min(1), at: Timestamp, kind: z.string().min(1), text: z.string() });

/** A fact in an incident's life. */
export const IncidentFact = AboutIncident.extend({
  state: IncidentState,
  /** Where it came from, when the state moved. */
  from: IncidentState.optional(),
  fingerprints: z.array(z.string()).optional(),
  /** The other incident of a merge or a split. */
  otherIncidentId: z.string().optional(),
});
export type IncidentFact = z.output<typeof IncidentFact>;

const incidentEvent = (pastTense: string) =>
  defineEvent({ type: `dev.tocsin.incident.${pastTense}.v1`, data: IncidentFact, topic: TOPICS.events, key: (fact) => fact.incidentId });

export const IncidentOpened = incidentEvent("opened");
/** Another alert joined, or roles among the members changed. */
export const IncidentJoined = incidentEvent("joined");
/** Every member alert is resolved. */
export const IncidentRecovered = incidentEvent("recovered");
/** A member fires again after all were resolved. */
export const IncidentRefired = incidentEvent("refired");
/** The state moved along an edge of the lifecycle. */
export const IncidentMoved = incidentEvent("moved");
export const IncidentAcknowledged = incidentEvent("acknowledged");
/** A person began a plain runbook for it, or ticked a step of one. */
export const IncidentGuided = incidentEvent("guided");
export const IncidentMerged = incidentEvent("merged");
export const IncidentSplit = incidentEvent("split");

/** What events of the platform as a whole name in place of an incident. */
export const PLATFORM_SUBJECT = "platform";

/** A storm of incidents began or ended: while it lasts, autonomy is lowered. */
export const StormFact = AboutIncident.extend({
  incidentId: z.literal(PLATFORM_SUBJECT),
  kind: z.enum(["storm-began", "storm-ended"]),
  on: z.boolean(),
  /** Opened within the window when it changed. */
  incidents: z.number().int(),
  windowSeconds: z.number(),
});
export type StormFact = z.output<typeof StormFact>;
export const StormChanged = defineEvent({
  type: "dev.tocsin.storm.changed.v1",
  data: StormFact,
  topic: TOPICS.events,
  key: () => PLATFORM_SUBJECT,
});

/** One step of reasoning, with the evidence it rests on. */
export const Thought = AboutIncident.extend({
  phase: z.enum(["gather", "diagnose", "recall", "reason", "plan", "narrate", "act", "verify", "close"]),
  evidence: z.array(z.string()).optional(),
  /** Present where a model had a part in it. */
  model: ModelNote.optional(),
});
export type Thought = z.output<typeof Thought>;
export const ThoughtRecorded = defineEvent({
  type: "dev.tocsin.thought.recorded.v1",
  data: Thought,
  topic: TOPICS.thoughts,
  key: (thought) => thought.incidentId,
});

/** A fact in the life of a run. */
export const ActionFact = AboutIncident.extend({
  runId: z.string().min(1),
  runbook: z.string().min(1),
  digest: z.string(),
  state: RunState,
  step: z
    .object({ id: z.string(), verb: z.string(), state: StepState, role: z.enum(["act", "undo"]), output: z.string().optional() })
    .optional(),
  by: z.string().optional(),
});
export type ActionFact = z.output<typeof ActionFact>;

const actionEvent = (pastTense: string) =>
  defineEvent({ type: `dev.tocsin.action.${pastTense}.v1`, data: ActionFact, topic: TOPICS.actions, key: (fact) => fact.incidentId });

export const ActionRequested = actionEvent("requested");
export const ActionApproved = actionEvent("approved");
export const ActionDenied = actionEvent("denied");
export const ActionStarted = actionEvent("started");
/** A step started, printed or ended. */
export const ActionProgressed = actionEvent("progressed");
export const ActionUndone = actionEvent("undone");
/** The run reached an end: succeeded, failed, refused, denied or unknown. */
export const ActionFinished = actionEvent("finished");

/** What could not be processed, as it came, and why. */
export const DeadLetter = z.object({
  at: Timestamp,
  code: z.string(),
  text: z.string(),
  origin: z.object({ topic: z.string(), partition: z.number().int(), offset: z.string(), group: z.string() }),
  headers: z.record(z.string(), z.string()),
  /** base64 */
  value: z.string(),
});
export type DeadLetter = z.output<typeof DeadLetter>;
export const DeadLetterRecorded = defineEvent({
  type: "dev.tocsin.deadletter.recorded.v1",
  data: DeadLetter,
  topic: TOPICS.deadLetter,
  key: (letter) => letter.origin.topic,
});

/** Every event type of the product by name: what the bus checks against on publish and on receive. */
export const EVENTS: ReadonlyMap<string, EventDefinition<z.ZodType>> = new Map(
  [
    AlertFiring,
    AlertResolved,
    IncidentOpened,
    IncidentJoined,
    IncidentRecovered,
    IncidentRefired,
    IncidentMoved,
    IncidentAcknowledged,
    IncidentGuided,
    IncidentMerged,
    IncidentSplit,
    StormChanged,
    ThoughtRecorded,
    ActionRequested,
    ActionApproved,
    ActionDenied,
    ActionStarted,
    ActionProgressed,
    ActionUndone,
    ActionFinished,
    DeadLetterRecorded,
  ].map((definition) => [definition.type, definition as unknown as EventDefinition<z.ZodType>]),
);
