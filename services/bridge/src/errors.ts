import { AppError } from "@tocsin/runtime";

export const unauthenticated = (reason: string) => new AppError("BRIDGE_UNAUTHENTICATED", `this delivery is not let in: ${reason}`);

export const sourceForbidden = (source: string) =>
  new AppError("BRIDGE_SOURCE_FORBIDDEN", `no mapping is configured for the source ${source}, and unmapped sources are refused here`);

export const sourceUnknown = (source: string) =>
  new AppError(
    "BRIDGE_SOURCE_UNKNOWN",
    `${JSON.stringify(source)} cannot name a source: letters, digits, dot, dash and underscore, at most 64`,
  );

export const bodyTooLarge = (limitBytes: number) =>
  new AppError("BRIDGE_BODY_TOO_LARGE", `the body is larger than ${limitBytes} bytes: set max_alerts at the sender`);

export const unavailable = (cause: unknown) =>
  new AppError("BRIDGE_UNAVAILABLE", "neither the bus nor the store takes it now; send it again", { retryable: true, cause });

export const draining = () => new AppError("BRIDGE_DRAINING", "this process is stopping; send it again", { retryable: true });

export const rateExceeded = (source: string, perMinute: number) =>
  new AppError("BRIDGE_RATE_OVERLOADED", `${source} sends more than ${perMinute} deliveries a minute; send it again later`, {
    retryable: true,
  });

export const tooMany = (deliveries: number) =>
  new AppError("BRIDGE_DELIVERIES_OVERLOADED", `${deliveries} deliveries are under way; send it again later`, { retryable: true });

export const inboxFull = (depth: number) =>
  new AppError("BRIDGE_INBOX_OVERLOADED", `${depth} events wait for the bus; send it again later`, { retryable: true });

export const quarantineUnknown = (id: string) => new AppError("BRIDGE_QUARANTINE_UNKNOWN", `nothing is quarantined under ${id}`);

export const quarantineDecided = (id: string, state: string) =>
  new AppError("BRIDGE_QUARANTINE_CONFLICT", `${id} has been ${state} already`);

export const stillRejected = (id: string, reasons: readonly string[]) =>
  new AppError("BRIDGE_REPLAY_CONFLICT", `${id} is still not understood: ${reasons.join("; ")}`, { details: { reasons } });
