import { context, ROOT_CONTEXT, type Span, trace } from "@opentelemetry/api";
import { DeadLetter, TOPICS } from "@tocsin/contracts";
import { expect, test } from "vitest";
import { deadLetterOf } from "../src/dead-letter.ts";
import { decode, decodeRun, encode, type StoredRecord } from "../src/wire.ts";
import { opened } from "./support/events.ts";

const stored = (offset: number): StoredRecord => {
  const { headers, value } = encode(opened("inc-1", offset));
  return { offset, headers, value };
};

test("writes the envelope as CloudEvents in binary mode", () => {
  const record = encode(opened("inc-1", 1, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
  expect(record.headers).toEqual({
    ce_specversion: "1.0",
    ce_id: "inc-1-1",
    ce_type: "dev.tocsin.incident.opened.v1",
    ce_source: "/tocsin/test",
    ce_time: "2026-01-01T00:00:00.000Z",
    "content-type": "application/json",
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  });
  expect(JSON.parse(record.value)).toEqual(opened("inc-1", 1).data);
  expect(record.bytes).toBe(Buffer.byteLength(record.value));
});

test("does not let fields travel that the contract does not know", () => {
  const event = opened("inc-1", 1);
  const record = encode({ ...event, data: { ...(event.data as object), secret: "s" } });
  expect(record.value).not.toContain("secret");
});

test("understands the trace context of CloudEvents' extension as well", () => {
  const { headers, value } = encode(opened("inc-1", 1));
  expect(decode({ headers: { ...headers, ce_traceparent: "00-a-b-01" }, value }).traceparent).toBe("00-a-b-01");
  expect(decode({ headers, value })).not.toHaveProperty("traceparent");
});

test.each([
  ["another specversion", { ce_specversion: "0.3" }],
  ["no id", { ce_id: "" }],
  ["no source", { ce_source: "" }],
  ["a time that is none", { ce_time: "yesterday" }],
  ["a type that is not ours", { ce_type: "com.example.thing" }],
])("refuses %s", (_what, change) => {
  const { headers, value } = stored(0);
  expect(() => decode({ headers: { ...headers, ...change }, value })).toThrow(expect.objectContaining({ code: "BUS_PAYLOAD_INVALID" }));
});

test("says what is wrong and where", () => {
  const { headers } = stored(0);
  expect(() => decode({ headers, value: '{"incidentId":"i","at":"now"}' })).toThrow(/data of dev\.tocsin\.incident\.opened\.v1: at: /);
});

test("reads up to the first event that is not sound", () => {
  const bad = { ...stored(2), value: "{" };
  const run = decodeRun([stored(0), stored(1), bad, stored(3)]);
  expect(run.events.map((event) => event.id)).toEqual(["inc-1-0", "inc-1-1"]);
  expect(run.bad?.record).toBe(bad);
});

test("a dead letter keeps the bytes as they lay and has one id per origin", () => {
  const raw = new Uint8Array([0xff, 0x00, 0x41]);
  const origin = { topic: TOPICS.events, partition: 3, group: "tocsin.test" } as const;
  const letter = deadLetterOf(origin, { ...stored(9), raw }, new Error("why"), Date.parse("2026-01-01T00:00:00Z"));
  expect(letter.id).toBe("dlq:tocsin.test:sre-events:3:9");
  const data = DeadLetter.parse(letter.data);
  expect(data).toMatchObject({ code: "BUS_HANDLER_FAILED", text: "why", origin: { offset: "9" } });
  expect(Buffer.from(data.value, "base64")).toEqual(Buffer.from(raw));
});

test("takes the trace of the active span when the event names none", () => {
  const spanContext = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", traceFlags: 1 };
  const active = trace.setSpan(ROOT_CONTEXT, { spanContext: () => spanContext } as Span);
  context.setGlobalContextManager({
    active: () => active,
    with: (_context, work, self, ...args) => work.apply(self as never, args),
    bind: (_context, target) => target,
    enable() {
      return this;
    },
    disable() {
      return this;
    },
  });
  try {
    expect(encode(opened("inc-1", 1)).headers).toMatchObject({ traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" });
    expect(encode(opened("inc-1", 1, "00-mine")).headers).toMatchObject({ traceparent: "00-mine" });
  } finally {
    context.disable();
  }
});
