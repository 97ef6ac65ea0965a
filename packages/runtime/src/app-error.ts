/** What an error tells besides its message. */
export interface AppErrorOptions {
  /** Would the same call, made again later, perhaps succeed? */
  readonly retryable?: boolean;
  /** Facts for the reader (and for a model that corrects itself): the query, the status, the file and line. No secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

const BRAND = Symbol.for("dev.tocsin.app-error");

/**
 * The one error class of the product: a stable `code` to branch on, a message for people.
 *
 * Branch with {@link AppError.is}, never on text and never with `instanceof`, which fails when two copies of this
 * package meet in one process.
 */
export class AppError extends Error {
  /** `<AREA>_<CONDITION>`, e.g. `BUS_PAYLOAD_INVALID`. Never changes its meaning. */
  readonly code: string;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;
  readonly [BRAND] = true;

  constructor(code: string, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "AppError";
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.details = options.details ?? {};
  }

  /** Is `error` one of ours and, when codes are named, does it carry one of them? */
  static is(error: unknown, ...codes: readonly string[]): error is AppError {
    if (typeof error !== "object" || error === null || !(BRAND in error)) return false;
    return codes.length === 0 || codes.includes((error as AppError).code);
  }
}

/** The text of whatever was thrown: an error's message, or the value itself as text. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message || thrown.name;
  return String(thrown);
}
