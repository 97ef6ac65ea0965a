import { AppError } from "@tocsin/runtime";

export const faultUnknown = (fault: string, known: readonly string[]) =>
  new AppError("FAULT_UNKNOWN", `there is no fault ${JSON.stringify(fault)}; known: ${known.join(", ")}`, { details: { known } });

export const targetUnknown = (target: string, known: readonly string[]) =>
  new AppError("TARGET_UNKNOWN", `there is no target ${JSON.stringify(target)} for this fault; known: ${known.join(", ")}`, {
    details: { known },
  });

export const drillUnknown = (id: string) => new AppError("DRILL_UNKNOWN", `there is no drill ${id}`);

export const targetBusy = (target: string, drillId: string) =>
  new AppError("DRILL_TARGET_BUSY", `a drill runs on ${target} already: ${drillId}`, { details: { drillId } });

export const labUnavailable = (url: string, reason: string, cause?: unknown) =>
  new AppError("CHAOS_LAB_UNAVAILABLE", `the lab at ${url} is needed for drills: ${reason}`, { retryable: true, cause });

export const injectionFailed = (fault: string, target: string, reason: string) =>
  new AppError("CHAOS_INJECTION_CONFLICT", `the lab did not inject ${fault} into ${target}: ${reason}`);
