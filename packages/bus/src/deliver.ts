import { type Link, SpanKind, SpanStatusCode, TraceFlags, trace } from "@opentelemetry/api";
import type { Envelope } from "@tocsin/contracts";
import { messageOf } from "@tocsin/runtime";
import type { Delivery } from "./event-bus.ts";

const tracer = trace.getTracer("@tocsin/bus");
/** A batch may hold hundreds of traces; a span that links to them all helps nobody. */
const MAX_LINKS = 32;

/** Calls the handler inside a consumer span that links to the traces its events come from. */
export async function deliver(group: string, delivery: Delivery, handle: (delivery: Delivery) => Promise<void>): Promise<void> {
  await tracer.startActiveSpan(
    "bus.deliver",
    {
      kind: SpanKind.CONSUMER,
      links: linksOf(delivery.events),
      attributes: {
        "messaging.operation.type": "process",
        "messaging.destination.name": delivery.topic,
        "messaging.destination.partition.id": String(delivery.partition),
        "messaging.consumer.group.name": group,
        "messaging.batch.message_count": delivery.events.length,
      },
    },
    async (span) => {
      try {
        await handle(delivery);
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
        throw error;
      } finally {
        span.end();
      }
    },
  );
}

function linksOf(events: readonly Envelope[]): Link[] {
  const links = new Map<string, Link>();
  for (const { traceparent } of events) {
    if (links.size >= MAX_LINKS) break;
    const match = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/.exec(traceparent ?? "");
    if (!match) continue;
    const [, traceId = "", spanId = "", flags = "00"] = match;
    links.set(spanId, { context: { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED, isRemote: true } });
  }
  return [...links.values()];
}
