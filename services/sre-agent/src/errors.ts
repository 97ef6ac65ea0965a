import { AppError } from "@tocsin/runtime";

export const incidentUnknown = (incidentId: string): AppError =>
  new AppError("AGENT_INCIDENT_UNKNOWN", `there is no incident ${incidentId}`, { details: { incidentId } });

export const roundIncomplete = (incidentId: string, round: number, what: string): AppError =>
  new AppError("AGENT_ROUND_INCOMPLETE", `round ${round} of ${incidentId} has no ${what}`, { details: { incidentId, round, what } });

export const promptInvalid = (file: string, reason: string): AppError =>
  new AppError("AGENT_PROMPT_INVALID", `prompt ${file}: ${reason}`, { details: { file, reason } });

export const analysisEmpty = (query: string): AppError =>
  new AppError("AGENT_ANALYSIS_INVALID", `the query gave no series: ${query.slice(0, 200)}`, { details: { query } });

export const incidentNotOver = (incidentId: string, state: string): AppError =>
  new AppError("AGENT_INCIDENT_CONFLICT", `incident ${incidentId} is ${state}: a runbook is drafted from one that is over`, {
    details: { incidentId, state },
  });

export const tooManyRequests = (most: number): AppError =>
  new AppError("AGENT_REQUESTS_TOO_MANY", `more than ${most} requests in a minute; try again in the next`, { retryable: true });
