import type { IncidentState } from "@tocsin/contracts";
import { AppError } from "@tocsin/runtime";
import type { ApprovalOutcome } from "@tocsin/store";

export const incidentUnknown = (id: string) => new AppError("INCIDENT_UNKNOWN", `there is no incident ${id}`);

export const moveRefused = (id: string, from: IncidentState, to: IncidentState) =>
  new AppError("INCIDENT_MOVE_CONFLICT", `incident ${id} is ${from} and cannot become ${to}`, { details: { from, to } });

export const incidentClosed = (id: string) =>
  new AppError("INCIDENT_CLOSED_CONFLICT", `incident ${id} is closed: nothing can be moved in or out of it`);

export const groupingInvalid = (text: string) => new AppError("INCIDENT_GROUPING_INVALID", text);

type Refusal = Extract<ApprovalOutcome, { kind: "refused" }>;
const REFUSALS: Readonly<Record<Refusal["why"], string>> = {
  unknown: "APPROVAL_UNKNOWN",
  "decided-before": "APPROVAL_DECIDED_CONFLICT",
  expired: "APPROVAL_EXPIRED",
  "other-digest": "APPROVAL_DIGEST_CONFLICT",
  "own-proposal": "APPROVAL_OWN_PROPOSAL_FORBIDDEN",
  "not-an-emergency": "APPROVAL_EMERGENCY_FORBIDDEN",
};
export const approvalRefused = ({ why, reason }: Refusal) => new AppError(REFUSALS[why], reason);

export const runbookUnknown = (id: string, known: readonly string[]) =>
  new AppError("RUNBOOK_UNKNOWN", `there is no runbook ${id}`, { details: { known } });

export const guidanceUnknown = (id: string, known: readonly string[]) =>
  new AppError("GUIDANCE_UNKNOWN", `there is no runbook to follow called ${id}`, { details: { known } });

export const cursorInvalid = (cause: unknown) =>
  new AppError("REQUEST_CURSOR_INVALID", "the cursor is not one that this API gave out", { cause });

export const windowInvalid = (text: string) => new AppError("REQUEST_WINDOW_INVALID", text);

export const letterUnknown = (id: string) => new AppError("DEAD_LETTER_UNKNOWN", `there is no dead letter ${id}`);
export const letterDecided = (id: string, state: string) => new AppError("DEAD_LETTER_CONFLICT", `dead letter ${id} is ${state} already`);
export const letterUnreadable = (id: string, why: string) =>
  new AppError("DEAD_LETTER_INVALID", `dead letter ${id} still cannot be read, so sending it again would end the same way: ${why}`);

export const streamOverloaded = (limit: number) => new AppError("STREAM_OVERLOADED", `${limit} streams are open already`);

export const routeNotFound = (method: string, path: string) => new AppError("HTTP_ROUTE_NOT_FOUND", `there is no ${method} ${path}`);
export const upstreamUnavailable = (service: string, cause: unknown) =>
  new AppError("CONSOLE_UPSTREAM_UNAVAILABLE", `${service}, which answers this, does not answer now`, {
    retryable: true,
    details: { service },
    cause,
  });
