import * as z from "zod";
import { AlertStatus } from "./alert.ts";
import { Cause, CauseKind, Evidence, Narration } from "./evidence.ts";
import { LabelSet, Reason, Severity, Timestamp } from "./primitives.ts";
import { RunView } from "./run.ts";

export const IncidentState = z.enum([
  "open",
  "investigating",
  "mitigating",
  "awaiting-approval",
  "verifying",
  "resolved",
  "closed",
  "escalated",
]);
export type IncidentState = z.output<typeof IncidentState>;

export const MemberRole = z.enum(["root", "symptom", "member"]);
export type MemberRole = z.output<typeof MemberRole>;

/** An alert inside an incident, with why it is there. */
export const Member = z.object({
  fingerprint: z.string(),
  name: z.string(),
  service: z.string().optional(),
  severity: Severity,
  labels: LabelSet,
  annotations: LabelSet,
  status: AlertStatus,
  startsAt: Timestamp,
  endsAt: Timestamp.optional(),
  generatorURL: z.string().optional(),
  role: MemberRole,
  reasons: z.array(Reason),
});
export type Member = z.output<typeof Member>;

export const TimelineEntry = z.object({ id: z.string(), at: Timestamp, kind: z.string(), text: z.string() });
export type TimelineEntry = z.output<typeof TimelineEntry>;

/** An incident as a list shows it. */
export const IncidentSummary = z.object({
  id: z.string(),
  title: z.string(),
  state: IncidentState,
  severity: Severity,
  /** The service of the member that looks like the root; once a cause is known, the service of the cause. */
  service: z.string().optional(),
  scope: z.string(),
  startedAt: Timestamp,
  updatedAt: Timestamp,
  closedAt: Timestamp.optional(),
  alertCount: z.number().int(),
  cause: z.object({ service: z.string(), kind: CauseKind, confidence: z.number() }).optional(),
  /** Why it was handed to a person; present when escalated. */
  escalation: z.string().optional(),
  /** Who said that they have seen it. */
  acknowledgedBy: z.string().optional(),
});
export type IncidentSummary = z.output<typeof IncidentSummary>;

export const IncidentView = IncidentSummary.extend({
  members: z.array(Member),
  verdict: z.enum(["cause", "inconclusive", "pending"]),
  /** Every cause carries its evidence in full. */
  causes: z.array(Cause.omit({ evidence: true }).extend({ evidence: z.array(Evidence) })),
  runs: z.array(RunView),
  timeline: z.array(TimelineEntry),
  /** Markdown; empty until written. */
  analysis: z.string(),
  /** The same in a model's words, when one was asked and its words stood the check. */
  narration: Narration.optional(),
  /** Everything that thoughts and causes point at by id. */
  evidence: z.array(Evidence).optional(),
  /** Why no cause was singled out, and what would settle it. */
  unsettled: z.string().optional(),
  /** Sources that did not answer while it was looked into, in words. */
  missing: z.array(z.string()).optional(),
  /** The incident that took this one in. */
  mergedInto: z.string().optional(),
  /** What a person says of the first cause. */
  feedback: z.object({ right: z.boolean(), by: z.string(), at: Timestamp, note: z.string() }).optional(),
  links: z.object({ gitlab: z.string().optional() }),
});
export type IncidentView = z.output<typeof IncidentView>;
