import { AppError } from "@tocsin/runtime";

export const portTaken = (host: string, port: number, cause: unknown) =>
  new AppError("HTTP_PORT_TAKEN", `${host}:${port} is in use already: stop what listens there or set TOCSIN_PORT to another port`, {
    cause,
  });

export const addressUnusable = (host: string, port: number, cause: Error) =>
  new AppError("HTTP_ADDRESS_UNUSABLE", `cannot listen on ${host}:${port}: ${cause.message}`, { cause });

export const openWithoutAuth = (host: string) =>
  new AppError(
    "HTTP_OPEN_WITHOUT_AUTH",
    `TOCSIN_HOST=${host} is reachable from other machines, so TOCSIN_API_TOKEN (at least 16 characters) is required; or bind to 127.0.0.1`,
  );

export const unauthenticated = () =>
  new AppError("HTTP_UNAUTHENTICATED", "this needs a token: `Authorization: Bearer …`, or sign in through the console");

export const originForbidden = (origin: string) =>
  new AppError("HTTP_ORIGIN_FORBIDDEN", `requests that change something are not taken from the origin ${origin}`);

export const hostForbidden = (host: string) =>
  new AppError("HTTP_HOST_FORBIDDEN", `this server listens on loopback and does not answer to the name ${host}`);

export const routeNotFound = (method: string, path: string) => new AppError("HTTP_ROUTE_NOT_FOUND", `there is no ${method} ${path}`);
