import type { IHeaders, KafkaMessage } from "kafkajs";
import type { StoredRecord } from "../wire.ts";

type HeaderValue = IHeaders[string];

/** A record of Kafka as both adapters read it. Its position as a number: exact up to 2^53 records a partition. */
export function storedRecord(message: KafkaMessage): StoredRecord {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers ?? {})) headers[name] = headerText(value);
  const raw = message.value ?? Buffer.alloc(0);
  return { offset: Number(message.offset), headers, value: raw.toString("utf8"), raw };
}

/** Headers may come twice (joined by a comma, as HTTP does) and hold any bytes (what is not UTF-8 becomes `base64:…`). */
function headerText(value: HeaderValue): string {
  if (value === undefined) return "";
  if (Array.isArray(value)) return value.map(headerText).join(",");
  if (typeof value === "string") return value;
  const text = value.toString("utf8");
  return Buffer.from(text, "utf8").equals(value) ? text : `base64:${value.toString("base64")}`;
}
