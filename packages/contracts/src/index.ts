export { Alert, AlertOutcome, AlertStatus, AlertView } from "./alert.ts";
export { DrillRequest, DrillView, FaultView } from "./drill.ts";
export { DryRunView, PolicyVerdict } from "./dry-run.ts";
export { defineEvent, type Envelope, EnvelopeAttributes, type EventDefinition, eventOf, type OutgoingEvent } from "./event.ts";
export {
  ActionApproved,
  ActionDenied,
  ActionFact,
  ActionFinished,
  ActionProgressed,
  ActionRequested,
  ActionStarted,
  ActionUndone,
  AlertFiring,
  AlertResolved,
  DeadLetter,
  DeadLetterRecorded,
  EVENTS,
  IncidentAcknowledged,
  IncidentFact,
  IncidentGuided,
  IncidentJoined,
  IncidentMerged,
  IncidentMoved,
  IncidentOpened,
  IncidentRecovered,
  IncidentRefired,
  IncidentSplit,
  PLATFORM_SUBJECT,
  StormChanged,
  StormFact,
  Thought,
  ThoughtRecorded,
} from "./events.ts";
export { Cause, CauseKind, Diagnosis, Evidence, ModelNote, Narration } from "./evidence.ts";
export { IncidentState, IncidentSummary, IncidentView, Member, MemberRole, TimelineEntry } from "./incident.ts";
export { LabelSet, Reason, Severity, Timestamp } from "./primitives.ts";
export { Problem } from "./problem.ts";
export { ACTING_VERBS, ApprovalView, RunState, RunView, StepState, StepView, TARGET_ACTS } from "./run.ts";
export {
  Change,
  type EdgeStats,
  type LogLine,
  type Sample,
  type Series,
  SignalName,
  type SignalSeries,
  type Span,
  Topology,
  TopologyEdge,
  TopologyService,
} from "./signal.ts";
export { STORM } from "./storm.ts";
export { STREAM_EVENT_OF_TOPIC, type StreamEventName, StreamMessage } from "./stream.ts";
export { ALERT_TOPICS, ALL_TOPICS, TOPICS, type Topic, topicOfSeverity } from "./topic.ts";
