import { AppError } from "@tocsin/runtime";

type Where = {
  readonly method: string;
  readonly path: string;
};
const said = ({ method, path }: Where) => `${method} ${path}`;

/** GitLab wants us to wait. `retryAfterSeconds` says how long, where it says so. */
export const rateLimited = (where: Where, retryAfterSeconds: number | undefined) =>
  new AppError("TICKETS_RATE_LIMITED", `GitLab limits our rate at ${said(where)}`, {
    retryable: true,
    details: retryAfterSeconds === undefined ? where : { ...where, retryAfterSeconds },
  });

/** Nothing was done: it may be asked again. */
export const unavailable = (where: Where, reason: string, cause?: unknown) =>
  new AppError("TICKETS_UNAVAILABLE", `GitLab does not answer ${said(where)}: ${reason}`, { retryable: true, details: where, cause });

/** Nobody knows whether it was done: look before asking again. */
export const outcomeUnknown = (where: Where, reason: string, cause?: unknown) =>
  new AppError("TICKETS_OUTCOME_UNKNOWN", `GitLab may or may not have done ${said(where)}: ${reason}`, {
    retryable: true,
    details: where,
    cause,
  });

/** The token is wrong, has expired or may not do this. A person has to change something. */
export const unauthorized = (where: Where, status: number, text: string) =>
  new AppError("TICKETS_UNAUTHORIZED", `GitLab does not let us: ${said(where)} was answered ${status} ${text}`, {
    details: { ...where, status },
  });

export const notFound = (where: Where) => new AppError("TICKETS_NOT_FOUND", `GitLab knows nothing at ${said(where)}`, { details: where });

export const rejected = (where: Where, status: number, text: string) =>
  new AppError("TICKETS_REJECTED", `GitLab rejects ${said(where)}: ${status} ${text}`, { details: { ...where, status, text } });

/** A mutation that GraphQL refused, at the top or in its payload; HTTP says 200 to both. */
export const graphqlFailed = (mutation: string, messages: readonly string[]) =>
  new AppError("TICKETS_GRAPHQL_FAILED", `GitLab's ${mutation} failed: ${messages.join("; ")}`, { details: { mutation, messages } });
