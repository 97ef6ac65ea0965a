import { AppError } from "@tocsin/runtime";

/** The incidents that a batch touches were moved by others faster than they could be locked. The delivery comes again. */
export const incidentsMoving = (alerts: number) =>
  new AppError("CORRELATOR_INCIDENTS_MOVING", "the incidents of this batch kept moving while it was decided", {
    retryable: true,
    details: { alerts },
  });

export const matcherInvalid = (matcher: string, column: number, message: string) =>
  new AppError("CORRELATOR_MATCHER_INVALID", `the matcher is wrong at column ${column}: ${message}`, { details: { matcher, column } });

export const suppressionUnknown = (kind: "silence" | "maintenance", id: string) =>
  new AppError("CORRELATOR_SUPPRESSION_UNKNOWN", `there is no ${kind === "silence" ? "silence" : "maintenance window"} ${id}`, {
    details: { id },
  });

export const heartbeatUnknown = (id: string) =>
  new AppError("CORRELATOR_HEARTBEAT_UNKNOWN", `no watchdog ${id} was ever heard`, { details: { id } });
