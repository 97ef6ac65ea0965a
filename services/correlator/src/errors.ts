import { AppError } from "@tocsin/runtime";

/** The incidents that a batch touches were moved by others faster than they could be locked. The delivery comes again. */
export const incidentsMoving = (alerts: number) =>
  new AppError("CORRELATOR_INCIDENTS_MOVING", "the incidents of this batch kept moving while it was decided", {
    retryable: true,
    details: { alerts },
  });
