import * as z from "zod";
import { LabelSet, Severity, Timestamp } from "./primitives.ts";

export const AlertStatus = z.enum(["firing", "resolved"]);
export type AlertStatus = z.output<typeof AlertStatus>;

/** One transition of an alert as every service sees it, whatever tool raised it. */
export const Alert = z.object({
  /** 16 hex digits, FNV-1a-64 over the sorted full label set, as Alertmanager computes it: equal labels, equal fingerprint. */
  fingerprint: z.string().regex(/^[0-9a-f]{16}$/),
  /** Names this transition: `sha256:` over fingerprint, status, startsAt and, when resolved, endsAt. Equal for HA twins and re-sends. */
  dedupeKey: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  /** Who sent it: `alertmanager`, `grafana`, or the name of a generic source. */
  source: z.string().min(1),
  /** The `alertname` label. */
  name: z.string().min(1),
  severity: Severity,
  /** The service it speaks of, from the labels (`service`, `job`, `app`, …); absent when no label names one. */
  service: z.string().min(1).optional(),
  /** What must be correlated together meets in one scope, e.g. a cluster. The partition key of alerts. */
  scope: z.string().min(1),
  status: AlertStatus,
  labels: LabelSet,
  annotations: LabelSet,
  startsAt: Timestamp,
  /** Absent while still firing. */
  endsAt: Timestamp.optional(),
  receivedAt: Timestamp,
  /** Link to the rule's expression; shown and parsed, never fetched. */
  generatorURL: z.string().optional(),
  /** The sender's own grouping: a hint, never an identity. */
  groupKey: z.string().optional(),
});
export type Alert = z.output<typeof Alert>;

/** What became of an acknowledged alert: exactly one of these, with the reason in words. */
export const AlertOutcome = z.enum(["incident", "suppressed", "quarantined"]);
export type AlertOutcome = z.output<typeof AlertOutcome>;

/** An alert as `GET /api/v1/alerts` shows it. */
export const AlertView = z.object({
  fingerprint: z.string(),
  name: z.string(),
  service: z.string().optional(),
  severity: Severity,
  source: z.string(),
  labels: LabelSet,
  annotations: LabelSet,
  status: AlertStatus,
  startsAt: Timestamp,
  endsAt: Timestamp.optional(),
  receivedAt: Timestamp,
  outcome: AlertOutcome,
  incidentId: z.string().optional(),
  reason: z.string().optional(),
});
export type AlertView = z.output<typeof AlertView>;
