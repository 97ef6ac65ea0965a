import { AppError } from "@tocsin/runtime";

export const incidentUnknown = (incidentId: string): AppError =>
  new AppError("AGENT_INCIDENT_UNKNOWN", `there is no incident ${incidentId}`, { details: { incidentId } });

export const roundIncomplete = (incidentId: string, round: number, what: string): AppError =>
  new AppError("AGENT_ROUND_INCOMPLETE", `round ${round} of ${incidentId} has no ${what}`, { details: { incidentId, round, what } });

export const promptInvalid = (file: string, reason: string): AppError =>
  new AppError("AGENT_PROMPT_INVALID", `prompt ${file}: ${reason}`, { details: { file, reason } });
