import { AppError, messageOf } from "@tocsin/runtime";

/** The database cannot be reached, or went away in the middle. After a commit that failed so, its outcome is unknown. */
export const storeUnavailable = (what: string, cause?: unknown) =>
  new AppError("STORE_UNAVAILABLE", cause === undefined ? what : `${what}: ${messageOf(cause)}`, { retryable: true, cause });

export const storeFolderUnusable = (folder: string, why: string, cause?: unknown) =>
  new AppError("STORE_FOLDER_UNUSABLE", `data folder ${folder} cannot be used: ${why}`, { details: { folder }, cause });

export const storeUrlUnknown = (url: string) =>
  new AppError("STORE_URL_UNKNOWN_SCHEME", `store URL "${url.split(":", 1)[0]}:…" has no adapter; known are embedded: and postgres://`);

export const migrationFailed = (why: string, details: Readonly<Record<string, unknown>> = {}, cause?: unknown) =>
  new AppError("STORE_MIGRATION_FAILED", why, { details, cause });

export const storeFenced = (incidentId: string, fence: number, current: number | undefined) =>
  new AppError(
    "STORE_FENCED",
    current === undefined
      ? `there is no incident ${incidentId}`
      : `incident ${incidentId} is worked on by another (fence ${fence}, now ${current})`,
    { details: { incidentId, fence, current } },
  );

export const transactionNested = () =>
  new AppError(
    "STORE_TRANSACTION_NESTED",
    "inside a transaction only its own handle may be used: a second connection would not see its writes, and PGlite has but one",
  );

export const transactionAborted = () =>
  new AppError("STORE_TRANSACTION_ABORTED", "a statement of the transaction failed and its error was swallowed: nothing was committed");

export const parameterInvalid = (position: number, why: string) =>
  new AppError("STORE_PARAMETER_INVALID", `parameter $${position} ${why}`, { details: { position } });

/** What a driver's error tells, for both drivers. */
interface DriverError {
  readonly code?: unknown;
  readonly constraint?: unknown;
  readonly table?: unknown;
  readonly detail?: unknown;
  readonly message?: unknown;
}

/** The server is there and does not let this user in, or does not have the database: only another setting changes that. */
const storeAuthFailed = (cause: unknown) =>
  new AppError("STORE_AUTH_FAILED", `the database refuses what TOCSIN_STORE_URL says: ${messageOf(cause)}`, { cause });

// Connection exceptions, shutdown, starting up, too many connections, thrown out for idling; and what Node says of sockets.
const AWAY =
  /^(08...|57P0[1-5]|53300|25P0[34]|E(CONN(REFUSED|RESET|ABORTED)|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|AI_AGAIN)|ENOTFOUND|ENOENT)$/;
const AWAY_TEXT =
  /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|Client was closed|PGlite is clos|the database system is)/;
// Wrong user or password, none that pg_hba.conf lets in, no such database.
const REFUSED = /^(28...|3D000)$/;
// Serialization failure, deadlock, lock not available, cancelled by a timeout.
const AGAIN = /^(40001|40P01|55P03|57014)$/;

/** Turns what a driver threw into the product's errors. Ours pass through. Parameters are left out: they may hold secrets. */
export function queryError(thrown: unknown, text: string): AppError {
  if (AppError.is(thrown)) return thrown;
  const error = (typeof thrown === "object" && thrown !== null ? thrown : {}) as DriverError;
  const sqlState = typeof error.code === "string" ? error.code : "";
  const message = messageOf(thrown);
  if (AWAY.test(sqlState) || AWAY_TEXT.test(message)) return storeUnavailable("the database is away", thrown);
  if (REFUSED.test(sqlState)) return storeAuthFailed(thrown);
  const details = { sqlState, constraint: error.constraint, table: error.table, query: text.slice(0, 2_000) };
  if (sqlState === "23505") return new AppError("STORE_CONFLICT", message, { details, cause: thrown });
  return new AppError("STORE_QUERY_FAILED", message, { retryable: AGAIN.test(sqlState), details, cause: thrown });
}
