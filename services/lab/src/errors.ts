import { AppError } from "@tocsin/runtime";

export const targetUnknown = (id: string, known: readonly string[]) =>
  new AppError("TARGET_UNKNOWN", `there is no service ${id}; known: ${known.join(", ")}`, { details: { known } });

export const faultUnknown = (fault: string, known: readonly string[]) =>
  new AppError("FAULT_UNKNOWN", `there is no fault ${fault}; known: ${known.join(", ")}`, { details: { known } });

export const faultActive = (service: string, fault: string) =>
  new AppError("FAULT_ACTIVE", `${service} has the fault ${fault} already; clear it first`, { details: { service, fault } });

export const faultRefused = (service: string, reason: string, cause?: unknown) =>
  new AppError("FAULT_REFUSED", `${service} did not take the fault: ${reason}`, { retryable: true, cause });

export const noPrevious = (id: string, revision: string) =>
  new AppError("TARGET_NO_PREVIOUS", `${id} runs ${revision} and knows no revision before it`);

export const revisionUnknown = (id: string, revision: string, known: readonly string[]) =>
  new AppError("TARGET_NO_PREVIOUS", `${id} knows no revision ${revision}; known: ${known.join(", ")}`, { details: { known } });

export const configRefused = (id: string, reason: string, known: readonly string[]) =>
  new AppError("TARGET_CONFIG_REFUSED", `${id}: ${reason}`, { details: { known } });

export const targetTimeout = (id: string, what: string, timeoutMs: number) =>
  new AppError("TARGET_TIMEOUT", `${id} did not ${what} within ${timeoutMs} ms`);

export const targetUnsupported = (what: string) => new AppError("TARGET_UNSUPPORTED", what);

export const bodyInvalid = (reason: string) => new AppError("LAB_BODY_INVALID", reason);

export const portTaken = (host: string, port: number, cause: unknown) =>
  new AppError("LAB_PORT_TAKEN", `the lab cannot listen on ${host}:${port}: the port is taken`, { cause });

export const rulesInvalid = (file: string, reason: string) =>
  new AppError("LAB_RULES_INVALID", `${file}: ${reason}`, { details: { file } });
