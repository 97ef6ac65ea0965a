import { type Span, type SpanOptions, SpanStatusCode, trace } from "@opentelemetry/api";
import { type Envelope, TOPICS } from "@tocsin/contracts";
import { afterEach, beforeEach, expect, test } from "vitest";
import { deliver } from "../src/deliver.ts";
import { opened } from "./support/events.ts";

const spans: { name: string; options: SpanOptions; status?: number; ended: boolean }[] = [];
beforeEach(() => {
  spans.length = 0;
  trace.setGlobalTracerProvider({
    getTracer: () =>
      ({
        startActiveSpan(name: string, options: SpanOptions, work: (span: Span) => unknown) {
          const record: (typeof spans)[number] = { name, options, ended: false };
          spans.push(record);
          return work({
            setStatus({ code }: { code: number }) {
              record.status = code;
            },
            end() {
              record.ended = true;
            },
          } as unknown as Span);
        },
      }) as never,
  });
});
afterEach(() => trace.disable());

const delivery = (events: readonly Envelope[]) => ({ topic: TOPICS.events, partition: 3, events, signal: new AbortController().signal });
const traceparent = (n: number) => `00-${"a".repeat(32)}-${String(n).padStart(16, "0")}-01`;

test("a delivery is a consumer span that links to the traces of its events, each once", async () => {
  const events = [
    opened("i", 1, traceparent(1)),
    opened("i", 2, traceparent(1)),
    opened("i", 3, traceparent(2)),
    opened("i", 4, "nonsense"),
    opened("i", 5),
  ];
  await deliver("tocsin.test", delivery(events), async () => {});
  expect(spans).toHaveLength(1);
  expect(spans[0]).toMatchObject({ name: "bus.deliver", ended: true });
  expect(spans[0]?.options.attributes).toMatchObject({
    "messaging.consumer.group.name": "tocsin.test",
    "messaging.destination.name": "sre-events",
    "messaging.batch.message_count": 5,
  });
  expect(spans[0]?.options.links?.map(({ context }) => [context.traceId, context.spanId, context.traceFlags])).toEqual([
    ["a".repeat(32), "0000000000000001", 1],
    ["a".repeat(32), "0000000000000002", 1],
  ]);
});

test("a span does not link to hundreds of traces", async () => {
  const events = Array.from({ length: 100 }, (_, i) => opened("i", i, traceparent(i + 1)));
  await deliver("tocsin.test", delivery(events), async () => {});
  expect(spans[0]?.options.links).toHaveLength(32);
});

test("a handler's error ends the span as an error and goes on", async () => {
  const failing = deliver("tocsin.test", delivery([opened("i", 1)]), async () => {
    throw new Error("no");
  });
  await expect(failing).rejects.toThrow("no");
  expect(spans[0]).toMatchObject({ status: SpanStatusCode.ERROR, ended: true });
});
