import { AppError } from "@tocsin/runtime";

/** Nobody of that name. `details.known` names what there is. */
export const targetUnknown = (id: string, known: readonly string[]) =>
  new AppError("TARGET_UNKNOWN", `there is no target ${id}; known: ${known.join(", ") || "none"}`, { details: { known } });

/** It is there, but nobody allowed the platform to act on it. */
export const targetUnmanaged = (id: string) =>
  new AppError("TARGET_UNMANAGED", `${id} is not managed: it lacks the label tocsin.managed=true`, { details: { id } });

/** The orchestrator itself did not answer. */
export const targetUnavailable = (what: string, reason: string, cause?: unknown) =>
  new AppError("TARGET_UNAVAILABLE", `${what}: ${reason}`, { retryable: true, cause });

export const targetNoPrevious = (id: string, revision: string, details: Readonly<Record<string, unknown>> = {}) =>
  new AppError("TARGET_NO_PREVIOUS", `${id} runs ${revision} and knows no revision to go back to`, { details });

/** The act was begun and did not end in time: whether it took effect has to be looked up. */
export const targetTimeout = (id: string, what: string, timeoutMs: number) =>
  new AppError("TARGET_TIMEOUT", `${what} ${id} took longer than ${timeoutMs} ms`, { details: { id } });

/** Its owner does not allow that value to be set, or it is none that could be. `details.known` names what may be set. */
export const targetConfigRefused = (id: string, reason: string, known: readonly string[]) =>
  new AppError("TARGET_CONFIG_REFUSED", `${id}: ${reason}; may be set: ${known.join(", ") || "nothing"}`, { details: { known } });

export const targetUnsupported = (what: string) => new AppError("TARGET_UNSUPPORTED", what);

/** The orchestrator refused or failed the call in a way that another try does not mend. */
export const targetFailed = (what: string, status: number | undefined, reason: string, cause?: unknown) =>
  new AppError("TARGET_FAILED", `${what} failed${status === undefined ? "" : ` with ${status}`}: ${reason}`, {
    details: { status },
    cause,
  });

const KNOWN_URLS = ["lab:", "docker:///var/run/docker.sock", "docker+http://docker-proxy:2375", "none:"];

export const targetUrlUnknownScheme = (url: string) =>
  new AppError(
    "TARGET_URL_UNKNOWN_SCHEME",
    `TOCSIN_TARGETS_URL=${url.split("//")[0]?.slice(0, 40)}… has no adapter; known: ${KNOWN_URLS.join(", ")}`,
    {
      details: { known: KNOWN_URLS },
    },
  );

export const targetUrlInvalid = (url: string) =>
  new AppError("TARGET_URL_INVALID", `TOCSIN_TARGETS_URL=${url} is not of the form docker:///path/to/socket or docker+http://host:port`, {
    details: { known: KNOWN_URLS },
  });
