import type { ClientConfig } from "pg";

/** Connection settings shared by the pools and the listening connection. */
export const connectionConfig = (url: string) =>
  ({
    connectionString: url,
    application_name: "tocsin",
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    options: "-c TimeZone=UTC -c DateStyle=ISO",
  }) satisfies ClientConfig;
