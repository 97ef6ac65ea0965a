// What the API answers, as schemas: the OpenAPI document and through it the typed client of the UI come from here.
import { ApprovalView, CauseKind, Change, IncidentSummary, Severity, SignalName, StreamMessage, Timestamp } from "@tocsin/contracts";
import * as z from "zod";

export const listOf = <Item extends z.ZodType>(item: Item) => z.object({ items: z.array(item).readonly(), next: z.string().nullable() });

const Switch = z.object({
  name: z.string(),
  isOn: z.boolean(),
  reason: z.string(),
  changedBy: z.string(),
  changedAt: Timestamp.optional(),
});
export const SwitchView = Switch;
export const PressedView = Switch.extend({ changed: z.boolean() });

export const StatsView = z.object({
  windowSeconds: z.number(),
  alerts: z.number(),
  incidents: z.number(),
  open: z.number(),
  noiseReduction: z.number().nullable(),
  timeToDetectSeconds: z.number().nullable(),
  timeToAcknowledgeSeconds: z.number().nullable(),
  timeToResolveSeconds: z.number().nullable(),
  runs: z.number(),
  verifiedFixRate: z.number().nullable(),
  undoRate: z.number().nullable(),
  suppressed: z.number(),
  quarantined: z.number(),
  escalated: z.number(),
});
export const StatsHistoryView = z.object({
  bucketSeconds: z.number(),
  buckets: z
    .array(
      z.object({
        at: Timestamp,
        alerts: z.number(),
        incidents: z.number(),
        timeToDetectSeconds: z.number().nullable(),
        timeToAcknowledgeSeconds: z.number().nullable(),
        timeToResolveSeconds: z.number().nullable(),
        runs: z.number(),
        succeeded: z.number(),
      }),
    )
    .readonly(),
  services: z
    .array(
      z.object({
        service: z.string(),
        incidents: z.number(),
        open: z.number(),
        timeToResolveSeconds: z.number().nullable(),
        runs: z.number(),
        succeeded: z.number(),
      }),
    )
    .readonly(),
  feedback: z.object({ right: z.number(), wrong: z.number() }),
});

/** How a service does, as a list shows it. */
export const ServiceView = z.object({
  id: z.string(),
  health: z.enum(["ok", "incident", "down", "unknown"]),
  openIncidents: z.number(),
  severity: Severity.optional(),
  dependsOn: z.array(z.string()).readonly(),
  revision: z.string().optional(),
  replicas: z.number().optional(),
  now: z.partialRecord(SignalName, z.number()),
});
export type ServiceView = z.output<typeof ServiceView>;

export const EdgeView = z.object({ from: z.string(), to: z.string(), calls: z.number(), errors: z.number(), p95Ms: z.number() });
export const SignalsView = z.object({
  items: z
    .array(
      z.object({
        signal: SignalName,
        query: z.string(),
        /** Unix seconds and the value; null is a gap. */
        samples: z.array(z.tuple([z.number(), z.number().nullable()])).readonly(),
      }),
    )
    .readonly(),
  changes: z.array(Change).readonly(),
  partial: z.array(z.string()).readonly(),
});
export const LogsView = z.object({
  templates: z
    .array(
      z.object({
        text: z.string(),
        count: z.number(),
        level: z.enum(["debug", "info", "warn", "error"]),
        firstAt: Timestamp,
        lastAt: Timestamp,
        /** Lines by slice of the window, oldest first. */
        spread: z.array(z.number()).readonly(),
        examples: z.array(z.object({ at: Timestamp, message: z.string() })).readonly(),
      }),
    )
    .readonly(),
  lines: z.number(),
  partial: z.array(z.string()).readonly(),
});

export const StreamItemView = StreamMessage.extend({ event: z.enum(["thought", "action", "incident"]) });
export const SimilarView = z.object({
  items: z
    .array(
      z.object({
        incident: IncidentSummary,
        /** 0 to 1. */
        similarity: z.number(),
        reasons: z.array(z.string()).readonly(),
        /** The title of the last run that helped there. */
        helped: z.string().optional(),
      }),
    )
    .readonly(),
  /** What most of them had as cause: something to check, no evidence. */
  hypothesis: z.object({ service: z.string(), kind: CauseKind, times: z.number(), of: z.number() }).optional(),
  /** What was done in them and how often it ended the incident, the best first. */
  fixes: z.array(z.object({ runbook: z.string(), title: z.string(), tried: z.number(), helped: z.number() })).readonly(),
  /** All of it in words. */
  text: z.array(z.string()).readonly(),
  /** Compared by pgvector's index, or exactly in plain SQL. */
  by: z.enum(["pgvector", "exact"]),
});
export const ApprovalFull = ApprovalView.extend({
  risk: z.enum(["low", "medium", "high"]),
  proposedBy: z.string(),
  emergencyOnly: z.boolean(),
  emergency: z.boolean(),
});
export const MovedView = z.object({ id: z.string(), state: z.string() });

export const JournalView = z.object({
  seq: z.number(),
  at: Timestamp,
  actor: z.string(),
  action: z.string(),
  subject: z.string(),
  body: z.record(z.string(), z.unknown()).readonly(),
  hash: z.string(),
});
export const VerdictView = z.object({
  kind: z.enum(["intact", "broken"]),
  head: z.object({ seq: z.number(), hash: z.string() }).optional(),
  seq: z.number().optional(),
  text: z.string().optional(),
});
export const DeadLetterView = z.object({
  id: z.string(),
  at: Timestamp,
  code: z.string(),
  reason: z.string(),
  origin: z.object({ topic: z.string(), partition: z.number(), offset: z.string(), group: z.string() }),
  headers: z.record(z.string(), z.string()),
  /** The value as text; what is not text is shown with replacement characters. */
  body: z.string(),
  state: z.enum(["held", "replayed", "dropped"]),
  decidedBy: z.string().optional(),
  decidedAt: Timestamp.optional(),
});
export const SettingsView = z.object({
  version: z.string(),
  /** Settings as the process runs with them, secrets taken out. */
  groups: z
    .array(z.object({ name: z.string(), settings: z.array(z.object({ variable: z.string(), value: z.string() })).readonly() }))
    .readonly(),
});

export const RunbookRow = z.object({
  id: z.string(),
  title: z.string(),
  path: z.string(),
  digest: z.string(),
  risk: z.enum(["low", "medium", "high"]),
  autonomy: z.string(),
  tags: z.array(z.string()).readonly(),
  matches: z.unknown(),
  steps: z.array(z.object({ id: z.string(), verb: z.string() })).readonly(),
  problems: z.array(z.unknown()).readonly(),
  record: z.object({ runs: z.number(), succeeded: z.number(), regressions: z.number(), isDemoted: z.boolean(), text: z.string() }),
});
export const AutonomyChangeView = z.object({
  id: z.string(),
  runbook: z.string(),
  environment: z.string(),
  kind: z.enum(["proposed", "promoted", "declined", "demoted"]),
  reason: z.string(),
  by: z.string(),
  at: z.string(),
  runId: z.string().optional(),
});

/** What a person follows for an incident, and what reads like it. */
export const GuidanceView = z.object({
  items: z
    .array(
      z.object({
        guidance: z.string(),
        title: z.string(),
        path: z.string(),
        digest: z.string(),
        steps: z.array(z.object({ section: z.string(), text: z.string() })).readonly(),
        by: z.string(),
        at: z.string(),
        ticks: z.array(z.object({ position: z.number(), by: z.string(), at: z.string(), note: z.string() })).readonly(),
      }),
    )
    .readonly(),
  suggestions: z
    .array(
      z.object({
        id: z.string(),
        title: z.string(),
        path: z.string(),
        steps: z.number(),
        similarity: z.number(),
        because: z.array(z.string()).readonly(),
      }),
    )
    .readonly(),
});
