// A question to a person, bound to the digest of exactly what would be done: single use, and it runs out.
import {
  ActionApproved,
  ActionDenied,
  type ActionFact,
  ActionFinished,
  type ApprovalView,
  eventOf,
  type OutgoingEvent,
  type RunState,
} from "@tocsin/contracts";
import { isoTime, type Queryable } from "@tocsin/runtime";
import { appendEvents } from "../event-log.ts";
import { moveIncident } from "./incident-moves.ts";
import { appendJournal } from "./journal.ts";

export interface NewApproval {
  /** Deterministic, so that the same question is asked once. */
  readonly id: string;
  readonly runId: string;
  readonly incidentId: string;
  /** The run's digest: over the runbook's text and the parameters. */
  readonly digest: string;
  /** The exact effect in words. */
  readonly effect: string;
  /** Why a person is asked. */
  readonly reason: string;
  /** Of high risk: whoever proposed the run may not approve it. */
  readonly risk: "low" | "medium" | "high";
  readonly proposedBy: string;
  /** Only a yes for an emergency is enough, e.g. during a change freeze. */
  readonly emergencyOnly: boolean;
  readonly expiresAt: string;
}

export interface ApprovalRow extends ApprovalView {
  readonly risk: "low" | "medium" | "high";
  readonly proposedBy: string;
  readonly emergencyOnly: boolean;
  /** Was the yes given for an emergency? */
  readonly emergency: boolean;
}

const COLUMNS = `id, run_id AS "runId", incident_id AS "incidentId", digest, effect, reason, state, requested_at AS "requestedAt",
  expires_at AS "expiresAt", decided_by AS "decidedBy", decided_at AS "decidedAt", risk, proposed_by AS "proposedBy",
  emergency_only AS "emergencyOnly", emergency`;

const present = (row: ApprovalRow): ApprovalRow => {
  const { decidedBy, decidedAt, ...rest } = row;
  return { ...rest, ...(decidedBy ? { decidedBy } : {}), ...(decidedAt ? { decidedAt } : {}) };
};

/** @returns false when it was asked before */
export async function insertApproval(tx: Queryable, approval: NewApproval, nowMs: number): Promise<boolean> {
  const { rowCount } = await tx.query(
    `INSERT INTO approvals (id, run_id, incident_id, digest, effect, reason, risk, proposed_by, emergency_only, requested_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING`,
    [
      approval.id,
      approval.runId,
      approval.incidentId,
      approval.digest,
      approval.effect,
      approval.reason,
      approval.risk,
      approval.proposedBy,
      approval.emergencyOnly,
      isoTime(nowMs),
      approval.expiresAt,
    ],
  );
  return rowCount > 0;
}

export async function findApproval(on: Queryable, id: string): Promise<ApprovalRow | undefined> {
  const { rows } = await on.query<ApprovalRow>(`SELECT ${COLUMNS} FROM approvals WHERE id = $1`, [id]);
  return rows[0] && present(rows[0]);
}

/** The latest approval of a run, whatever became of it. */
export async function approvalOfRun(on: Queryable, runId: string): Promise<ApprovalRow | undefined> {
  const { rows } = await on.query<ApprovalRow>(
    `SELECT ${COLUMNS} FROM approvals WHERE run_id = $1 ORDER BY requested_at DESC, id DESC LIMIT 1`,
    [runId],
  );
  return rows[0] && present(rows[0]);
}

/** The newest first. @param before the `requestedAt` and id of the last one of the page before */
export async function listApprovals(
  on: Queryable,
  filter: {
    readonly state?: ApprovalView["state"];
    readonly incidentId?: string;
    readonly limit?: number;
    readonly before?: readonly [string, string];
  } = {},
): Promise<readonly ApprovalRow[]> {
  const { rows } = await on.query<ApprovalRow>(
    `SELECT ${COLUMNS} FROM approvals
     WHERE ($1::text IS NULL OR state = $1) AND ($2::text IS NULL OR incident_id = $2)
       AND ($4::timestamptz IS NULL OR (requested_at, id) < ($4::timestamptz, $5::text))
     ORDER BY requested_at DESC, id DESC LIMIT $3`,
    [filter.state ?? null, filter.incidentId ?? null, filter.limit ?? 100, filter.before?.[0] ?? null, filter.before?.[1] ?? null],
  );
  return rows.map(present);
}

export interface ApprovalDecision {
  readonly id: string;
  readonly decision: "approve" | "deny";
  /** The person's name. */
  readonly by: string;
  /** The digest that the person saw: a yes to anything else is none. */
  readonly digest: string;
  /** The person says that it is an emergency. */
  readonly emergency?: boolean;
}

export type ApprovalOutcome =
  | { readonly kind: "decided"; readonly approval: ApprovalRow }
  | {
      readonly kind: "refused";
      readonly why: "unknown" | "decided-before" | "expired" | "other-digest" | "own-proposal" | "not-an-emergency";
      readonly reason: string;
    };

/**
 * Writes a person's decision with its events, in the caller's transaction. Of two decisions at the same time one holds and the other is
 * refused. A yes lets the executor look again; it still refuses what its limits refuse by then. A no ends the run.
 */
export async function decideApproval(tx: Queryable, decision: ApprovalDecision, nowMs: number = Date.now()): Promise<ApprovalOutcome> {
  const { rows } = await tx.query<ApprovalRow>(`SELECT ${COLUMNS} FROM approvals WHERE id = $1 FOR UPDATE`, [decision.id]);
  const approval = rows[0];
  const refused = (why: Extract<ApprovalOutcome, { kind: "refused" }>["why"], reason: string): ApprovalOutcome => ({
    kind: "refused",
    why,
    reason,
  });
  if (!approval) return refused("unknown", `there is no approval ${decision.id}`);
  if (approval.state !== "pending")
    return refused("decided-before", `it is ${approval.state} already${approval.decidedBy ? ` by ${approval.decidedBy}` : ""}`);
  if (Date.parse(approval.expiresAt) <= nowMs) return refused("expired", `it ran out at ${approval.expiresAt}`);
  if (approval.digest !== decision.digest) return refused("other-digest", "what would be done is not what the decision speaks of");
  if (decision.decision === "approve") {
    if (approval.risk === "high" && decision.by === approval.proposedBy)
      return refused("own-proposal", "a run of high risk is approved by somebody other than who proposed it");
    if (approval.emergencyOnly && decision.emergency !== true)
      return refused("not-an-emergency", `only an approval for an emergency is enough: ${approval.reason}`);
  }
  return { kind: "decided", approval: await settle(tx, approval, decision, nowMs) };
}

/** Ends every question that nobody answered in time. @returns how many */
export async function expireApprovals(tx: Queryable, nowMs: number): Promise<number> {
  const { rows } = await tx.query<ApprovalRow>(
    `SELECT ${COLUMNS} FROM approvals WHERE state = 'pending' AND expires_at <= $1 ORDER BY id FOR UPDATE SKIP LOCKED`,
    [isoTime(nowMs)],
  );
  for (const approval of rows) await settle(tx, approval, { decision: "expire", by: "tocsin" }, nowMs);
  return rows.length;
}

async function settle(
  tx: Queryable,
  approval: ApprovalRow,
  { decision, by, emergency = false }: { decision: "approve" | "deny" | "expire"; by: string; emergency?: boolean },
  nowMs: number,
): Promise<ApprovalRow> {
  const at = isoTime(nowMs);
  const state = ({ approve: "approved", deny: "denied", expire: "expired" } as const)[decision];
  await tx.query("UPDATE approvals SET state = $2, decided_by = $3, decided_at = $4, emergency = $5 WHERE id = $1", [
    approval.id,
    state,
    by,
    at,
    emergency,
  ]);
  const text = { approve: `${by} approved it`, deny: `${by} denied it`, expire: "nobody answered in time" }[decision];
  const { rows } = await tx.query<{ runbook: string; digest: string }>("SELECT runbook, digest FROM runs WHERE id = $1", [approval.runId]);
  const run = rows[0] as { runbook: string; digest: string };
  await appendJournal(tx, {
    at,
    actor: by,
    action: `approval.${state}`,
    subject: approval.runId,
    body: { approval: approval.id, digest: approval.digest, emergency },
  });

  const source = "/tocsin/approvals";
  const fact = (kind: string, runState: RunState): ActionFact => ({
    incidentId: approval.incidentId,
    at,
    kind,
    text,
    runId: approval.runId,
    runbook: run.runbook,
    digest: run.digest,
    state: runState,
    by,
  });
  const events: OutgoingEvent[] = [];
  if (decision === "approve") {
    events.push(eventOf(ActionApproved, { id: `${approval.id}:approved`, source, time: at }, fact("approved", "awaiting-approval")));
    await moveIncident(tx, {
      incidentId: approval.incidentId,
      to: "mitigating",
      from: ["awaiting-approval"],
      text,
      source,
      eventId: `${approval.id}:mitigating`,
      nowMs,
    });
  } else {
    await tx.query("UPDATE runs SET state = 'denied', reason = $2, finished_at = $3 WHERE id = $1 AND state = 'awaiting-approval'", [
      approval.runId,
      text,
      at,
    ]);
    events.push(
      eventOf(ActionDenied, { id: `${approval.id}:${state}`, source, time: at }, fact(state, "denied")),
      eventOf(ActionFinished, { id: `${approval.runId}:finished`, source, time: at }, fact("finished", "denied")),
    );
  }
  await appendEvents(tx, events);
  return present({ ...approval, state, decidedBy: by, decidedAt: at, emergency });
}
