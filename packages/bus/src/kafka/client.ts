// The only file that knows how kafkajs is built and how its errors read.
import * as net from "node:net";
import * as tls from "node:tls";
import { AppError, type Logger } from "@tocsin/runtime";
import { type Admin, type ISocketFactory, Kafka, type logCreator, logLevel, type RetryOptions, type SASLOptions } from "kafkajs";
import { busAuthFailed, busForbidden, busPayloadInvalid, busUnavailable } from "../errors.ts";
import type { KafkaSecurity } from "../open-bus.ts";
import type { KafkaAddress } from "./kafka-address.ts";

/** Every field is given: kafkajs has other defaults when NODE_ENV is `test`. */
export const RETRY: RetryOptions = { initialRetryTime: 100, maxRetryTime: 2_000, factor: 0.2, multiplier: 2, retries: 5 };

/** Asks the brokers something; tries again when that may help. @param what named when they refuse @throws AppError */
export type AskAdmin = <T>(what: string, work: (client: Admin) => Promise<T>) => Promise<T>;

export interface ClientOptions {
  readonly address: KafkaAddress;
  readonly security?: KafkaSecurity;
  readonly log: Logger;
  /** How connections are made; a test slips in one that it can hold. */
  readonly socketFactory?: ISocketFactory;
}

/**
 * kafkajs lets go of a socket that is still connecting once for each of its tries, and every time leaves a listener on it; with brokers
 * away that is more than Node takes for sound.
 */
const LISTENERS_PER_SOCKET = 100;

/** As kafkajs makes its connections, but for the listeners and the delay. */
export const connectSocket: ISocketFactory = ({ host, port, ssl, onConnect }) => {
  const server = net.isIP(host) ? {} : { servername: host };
  const socket = ssl ? tls.connect({ host, port, ...server, ...ssl }, onConnect) : net.connect({ host, port }, onConnect);
  socket.setMaxListeners(LISTENERS_PER_SOCKET);
  socket.setKeepAlive(true, 60_000);
  // Requests and answers: a last short segment must not wait for the acknowledgement of the one before.
  socket.setNoDelay(true);
  return socket;
};

export function createClient({ address, security = {}, log, socketFactory = connectSocket }: ClientOptions): Kafka {
  const { sasl } = security;
  return new Kafka({
    clientId: "tocsin",
    brokers: [...address.brokers],
    connectionTimeout: 3_000,
    authenticationTimeout: 5_000,
    requestTimeout: 15_000,
    retry: RETRY,
    ssl: security.tls === true && security.caPem !== undefined ? { ca: [security.caPem] } : security.tls === true,
    ...(sasl && { sasl: { ...sasl } as SASLOptions }),
    socketFactory,
    logLevel: logLevel.WARN,
    logCreator: quietly(log),
  });
}

/** What kafkajs calls an error is mostly one of its own tries; what comes of it is logged where it is handled. */
const quietly =
  (log: Logger): logCreator =>
  () =>
  ({ namespace, log: entry }) => {
    const { message, timestamp: _timestamp, logger: _logger, stack: _stack, ...fields } = entry;
    log.debug({ ...fields, namespace, reason: message }, "kafka client");
  };

/** The error that kafkajs wrapped, perhaps several times: the one that carries the protocol's `type`. Of several, what is forbidden first. */
export function rootOf(error: unknown): KafkaError {
  let root = error as KafkaError;
  for (;;) {
    if (root.name === "KafkaJSAggregateError" && root.errors?.[0] !== undefined)
      root = root.errors.find(({ type }) => type?.endsWith("_AUTHORIZATION_FAILED")) ?? root.errors[0];
    else if (root.type === undefined && root.cause instanceof Error) root = root.cause as KafkaError;
    else return root;
  }
}
type KafkaError = Error & { type?: string; errors?: KafkaError[] };

/** A failure of kafkajs in the words of the port. */
export function translate(error: unknown, what: string): AppError {
  if (AppError.is(error)) return error;
  const root = rootOf(error);
  if (root.name === "KafkaJSSASLAuthenticationError" || root.type === "SASL_AUTHENTICATION_FAILED") return busAuthFailed(root);
  if (root.type?.endsWith("_AUTHORIZATION_FAILED")) return busForbidden(what, root);
  if (root.type === "MESSAGE_TOO_LARGE" || root.type === "RECORD_LIST_TOO_LARGE")
    return busPayloadInvalid(`the broker takes no message as large as this; raise max.message.bytes (${what})`);
  return busUnavailable(root);
}

/** Errors that say: this member does not own its partitions any more. */
export const isFenced = (error: unknown): boolean =>
  ["UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION", "FENCED_INSTANCE_ID"].includes(rootOf(error).type ?? "");

export const isRebalance = (error: unknown): boolean => rootOf(error).type === "REBALANCE_IN_PROGRESS";
