import { type IncidentView, Thought, TOPICS } from "@tocsin/contracts";
import { AppError, type Clock, digestOf, type Logger, messageOf, type Sql } from "@tocsin/runtime";
import {
  findTicket,
  openTicket,
  readEventLog,
  saveTicketError,
  saveTicketRef,
  saveTicketSynced,
  type TicketNeed,
  type TicketRow,
  ticketNeed,
  viewIncident,
} from "@tocsin/store";
import type { GitlabTickets } from "@tocsin/tickets";
import { type DesiredTicket, desiredTicket } from "./desired-ticket.ts";
import { afterStep, planSync, Synced, type SyncStep } from "./sync-plan.ts";

export interface ReconcileDeps {
  readonly sql: Sql;
  readonly tickets: GitlabTickets;
  readonly log: Logger;
  readonly clock: Clock;
  readonly project: string;
  /** For how long after its end an incident without a ticket still gets one. */
  readonly backfillDays: number;
  readonly labels: readonly string[];
  readonly consoleUrl?: string;
  readonly assignee?: string;
}

export type Reconciled =
  | { readonly kind: "told"; readonly steps: number }
  | { readonly kind: "skipped"; readonly reason: string }
  /** Somebody else works on it, or this process stops. */
  | { readonly kind: "left" };

/** Most thoughts read of one incident. */
const MAX_THOUGHTS = 5_000;
const DAY_MS = 86_400_000;

/**
 * Makes GitLab show the incident as it is now. Every step is written down once it is done, so that whoever goes on after a crash or an
 * outage repeats at most one, and that one does no harm twice.
 *
 * @param mayGoOn asked before every step
 * @throws AppError `TICKETS_*` when GitLab cannot be told
 */
export async function reconcile(deps: ReconcileDeps, incidentId: string, mayGoOn: () => Promise<boolean>): Promise<Reconciled> {
  const { sql, assignee, log } = deps;
  const wanted = await wantedOf(deps, incidentId);
  if (wanted.kind === "skipped") return wanted;
  const { need, row, desired } = wanted;
  let told = 0;
  try {
    const ticket = await ensured(deps, incidentId, row, desired);
    let { synced } = ticket;
    for (const step of planSync(desired, synced, assignee)) {
      if (!(await mayGoOn())) return { kind: "left" };
      const before = synced;
      // An event of the timeline cannot be looked for, so it is written down first: missing it is better than having it twice.
      if (step.kind === "timeline") {
        synced = afterStep(synced, step);
        await saveTicketSynced(sql, incidentId, synced);
      }
      try {
        synced = afterStep(before, step, await say(deps, incidentId, ticket.ref, step));
      } catch (error) {
        if (isSoft(step, error)) {
          log.warn({ err: error, incidentId, step: step.kind, reason: messageOf(error) }, "gitlab does without");
          synced = afterStep(before, step);
        } else {
          if (step.kind === "timeline" && !AppError.is(error, "TICKETS_OUTCOME_UNKNOWN")) await saveTicketSynced(sql, incidentId, before);
          throw error;
        }
      }
      await saveTicketSynced(sql, incidentId, synced);
      told++;
    }
    await saveTicketSynced(sql, incidentId, { ...synced, seq: need.seq });
    await saveTicketError(sql, incidentId, undefined);
    return { kind: "told", steps: told };
  } catch (error) {
    // The issue is gone, or the token may not see it any more: look for it anew next time, and make it when it is not there.
    if (AppError.is(error, "TICKETS_NOT_FOUND")) await saveTicketRef(sql, incidentId, null);
    throw error;
  }
}

/**
 * Makes the incident's issue, with all that its description tells, and nothing more: the rest may have to wait for its turn among the notes.
 *
 * @throws AppError `TICKETS_*` when GitLab cannot be told
 */
export async function openIssue(deps: ReconcileDeps, incidentId: string): Promise<Reconciled> {
  const wanted = await wantedOf(deps, incidentId);
  if (wanted.kind === "skipped") return wanted;
  await ensured(deps, incidentId, wanted.row, wanted.desired);
  return { kind: "told", steps: 0 };
}

interface Wanted {
  readonly kind: "wanted";
  readonly need: TicketNeed;
  readonly row: TicketRow;
  readonly desired: DesiredTicket;
}

async function wantedOf(deps: ReconcileDeps, incidentId: string): Promise<Wanted | Extract<Reconciled, { kind: "skipped" }>> {
  const { sql, clock, project, labels, consoleUrl, backfillDays } = deps;
  const need = await ticketNeed(sql, incidentId);
  if (need === undefined) return { kind: "skipped", reason: "no such incident" };
  const known = await findTicket(sql, incidentId);
  if (known?.iid === undefined && need.mergedInto !== undefined) return { kind: "skipped", reason: "merged before it had a ticket" };
  if (known === undefined && need.closedAt !== undefined && Date.parse(need.closedAt) < clock.now() - backfillDays * DAY_MS)
    return { kind: "skipped", reason: "closed long before there was a GitLab" };
  const row = known ?? (await openTicket(sql, incidentId, project));
  const view = (await viewIncident(sql, incidentId)) as IncidentView;
  const desired = desiredTicket(view, await thoughtsOf(sql, incidentId), {
    labels,
    ...(consoleUrl === undefined ? {} : { consoleUrl }),
    ...(need.mergedInto === undefined ? {} : { mergedInto: need.mergedInto }),
  });
  return { kind: "wanted", need, row, desired };
}

interface Told {
  readonly ref: { readonly iid: number; readonly issueId: number };
  readonly synced: Synced;
}

async function ensured({ sql, tickets }: ReconcileDeps, incidentId: string, row: TicketRow, desired: DesiredTicket): Promise<Told> {
  const synced = Synced.parse(row.synced ?? {});
  if (row.iid !== undefined && row.issueId !== undefined) return { ref: { iid: row.iid, issueId: row.issueId }, synced };
  const { title, description, labels } = desired;
  const { isNew, ...ref } = await tickets.ensure({ incidentId, title, description, labels });
  await saveTicketRef(sql, incidentId, ref);
  // What was found rather than made may hold an older text.
  const now: Synced = isNew
    ? { ...synced, title: digestOf(title), description: digestOf(description), labels: [...labels], state: "opened" }
    : synced;
  await saveTicketSynced(sql, incidentId, now);
  return { ref, synced: now };
}

async function say({ tickets, log }: ReconcileDeps, incidentId: string, { iid, issueId }: Told["ref"], step: SyncStep) {
  switch (step.kind) {
    case "severity":
      await tickets.setSeverity(iid, step.severity);
      return {};
    case "status":
      await tickets.setEscalationStatus(iid, step.status);
      return {};
    case "edit":
      await tickets.update({ incidentId, iid }, step);
      return {};
    case "state":
      await tickets.update({ incidentId, iid }, { state: step.state });
      return {};
    case "note":
      return { noteId: await tickets.writeNote(iid, step.name, step.body, step.id) };
    case "timeline":
      await tickets.addTimelineEvent(issueId, { at: step.at, note: step.note, tags: [step.tag] });
      return {};
    case "assign": {
      const user = await tickets.findUser(step.username);
      if (user === undefined) log.warn({ incidentId, username: step.username }, "gitlab knows no such assignee");
      else await tickets.assign(iid, user);
      return {};
    }
  }
}

/** Severity, status and timeline are extras that older GitLabs and smaller roles refuse: the incident is told of without them. */
const isSoft = (step: SyncStep, error: unknown): boolean =>
  (step.kind === "severity" || step.kind === "status" || step.kind === "timeline") && AppError.is(error, "TICKETS_GRAPHQL_FAILED");

async function thoughtsOf(sql: Sql, incidentId: string): Promise<Thought[]> {
  const thoughts: Thought[] = [];
  for (let afterSeq = 0; thoughts.length < MAX_THOUGHTS; ) {
    const page = await readEventLog(sql, { afterSeq, incidentId, topics: [TOPICS.thoughts], limit: 1_000 });
    for (const { event } of page) {
      const thought = Thought.safeParse(event.data);
      if (thought.success) thoughts.push(thought.data);
    }
    const last = page.at(-1);
    if (last === undefined || page.length < 1_000) break;
    afterSeq = last.seq;
  }
  return thoughts;
}
