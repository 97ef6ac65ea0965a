import type { Clock, Logger, Sql } from "@tocsin/runtime";
import type { Registry } from "prom-client";
import { busUrlInvalid, busUrlUnknownScheme } from "./errors.ts";
import type { EventBus } from "./event-bus.ts";
import { parseKafkaUrl } from "./kafka/kafka-address.ts";

/** How to reach brokers that ask who is there. */
export interface KafkaSecurity {
  readonly tls?: boolean;
  /** PEM of the authority that signed the brokers' certificates, when it is not a public one. */
  readonly caPem?: string;
  readonly sasl?: {
    readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
    readonly username: string;
    readonly password: string;
  };
}

export interface OpenBusOptions {
  /** `embedded:` or `kafka://host:port[,host:port]` */
  readonly url: string;
  readonly log: Logger;
  /** The database that carries the embedded bus. */
  readonly sql?: Sql;
  readonly clock?: Clock;
  readonly registry?: Registry;
  readonly kafka?: KafkaSecurity;
  /** The client stalled or crashed and could not be rebuilt: the process should end and be started anew. */
  readonly onFatal?: (error: unknown) => void;
}

/**
 * Opens the bus that the URL names; the adapter's library is loaded only then.
 * @throws AppError `BUS_URL_UNKNOWN_SCHEME`, `BUS_URL_INVALID`
 */
export async function openBus({ url, log, sql, clock, registry, kafka, onFatal }: OpenBusOptions): Promise<EventBus> {
  const shared = { log, ...(clock && { clock }), ...(registry && { registry }) };
  if (url.startsWith("embedded:")) {
    if (!sql) throw busUrlInvalid("embedded: needs the store's database");
    return (await import("./embedded/embedded-bus.ts")).embeddedBus({ sql, ...shared });
  }
  if (url.startsWith("kafka:")) {
    const address = parseKafkaUrl(url);
    const { kafkaBus } = await import("./kafka/kafka-bus.ts");
    return kafkaBus({ address, ...shared, ...(kafka && { security: kafka }), ...(onFatal && { onFatal }) });
  }
  throw busUrlUnknownScheme(url);
}
