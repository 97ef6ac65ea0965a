import { ALL_TOPICS } from "@tocsin/contracts";
import { AppError, messageOf } from "@tocsin/runtime";

export const busUnavailable = (cause: unknown) =>
  new AppError("BUS_UNAVAILABLE", `the bus does not answer: ${messageOf(cause)}`, { retryable: true, cause });

export const busClosed = () => new AppError("BUS_CLOSED", "the bus handle was closed");

export const busPayloadInvalid = (what: string, details: Readonly<Record<string, unknown>> = {}) =>
  new AppError("BUS_PAYLOAD_INVALID", what, { details });

export const busEventUnknown = (type: string) =>
  new AppError("BUS_EVENT_UNKNOWN", `no event type is called ${JSON.stringify(type.slice(0, 200))}`, { details: { type } });

export const busPayloadTooLarge = (id: string, bytes: number, limit: number) =>
  new AppError("BUS_PAYLOAD_TOO_LARGE", `event ${id} has ${bytes} bytes of data, more than the ${limit} that travel`, {
    details: { id, bytes, limit },
  });

export const busTopicUnknown = (topic: string) =>
  new AppError("BUS_TOPIC_UNKNOWN", `no topic is called ${JSON.stringify(topic.slice(0, 200))}; known: ${ALL_TOPICS.join(", ")}`);

export const busUrlUnknownScheme = (url: string) =>
  new AppError("BUS_URL_UNKNOWN_SCHEME", `TOCSIN_BUS_URL=${url.split("//")[0]?.slice(0, 40)}… has no adapter; known: embedded:, kafka://`);

export const busUrlInvalid = (why: string) => new AppError("BUS_URL_INVALID", `TOCSIN_BUS_URL: ${why}`);

export const busClaimLost = (partition: string, why: string) => new AppError("BUS_CLAIM_LOST", `${partition}: ${why}`);

/** The reason with which a delivery's signal aborts when its consumer stops. */
export const busStopping = () => new AppError("BUS_STOPPING", "the consumer stops");

export const busAuthFailed = (cause: unknown) =>
  new AppError("BUS_AUTH_FAILED", `the brokers refuse these credentials: ${messageOf(cause)}`, { cause });

export const busForbidden = (what: string, cause: unknown) =>
  new AppError("BUS_FORBIDDEN", `the brokers do not allow ${what}: ${messageOf(cause)}`, { cause });

export const busTopicPartitions = (topic: string, found: number, wanted: number) =>
  new AppError("BUS_TOPIC_PARTITIONS", `topic ${topic} has ${found} partitions, fewer than the ${wanted} that it was planned with`, {
    details: { topic, found, wanted },
  });

export const busConsumerStalled = (group: string, why: string) =>
  new AppError("BUS_CONSUMER_STALLED", `${group}: ${why}, and building the consumer anew did not help`);
