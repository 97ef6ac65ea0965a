import { expect, test } from "vitest";
import { type TraceableIncident, traceOf } from "../src/incident-embedding.ts";
import { LEAST_SIMILARITY } from "../src/recall.ts";

const leak = (n: number): TraceableIncident => ({
  members: [
    { name: "MemoryGrows", service: "payments", annotations: { summary: `payments uses ${n} MB` } },
    { name: "SlowResponses", service: "checkout", annotations: { summary: `checkout answers in ${n} ms` } },
  ],
  evidence: [
    {
      kind: "metric",
      service: "payments",
      text: `payments: memory keeps rising to ${n} MB from 80 MB since 14:0${n % 10}:11, 41 deviations.`,
    },
    { kind: "log", service: "payments", text: `payments logs a new warn line: "session cache holds ${n} entries, order 4f3a9c${n}".` },
  ],
  cause: { service: "payments", kind: "resource" },
});
const other: TraceableIncident = {
  members: [{ name: "HighErrorRatio", service: "catalogue", annotations: { summary: "catalogue fails 12 % of its requests" } }],
  evidence: [{ kind: "trace", service: "catalogue", text: "GET /items of catalogue fails by itself in 12 % of its calls." }],
  cause: { service: "catalogue", kind: "code-error" },
};
const embed = (incident: TraceableIncident) => traceOf(incident, 256)?.embedding ?? [];
const likeness = (a: TraceableIncident, b: TraceableIncident) => {
  const right = embed(b);
  return embed(a).reduce((sum, value, index) => sum + value * (right[index] as number), 0);
};

test("the same trouble on another day is nearly the same", () => {
  expect(likeness(leak(310), leak(97))).toBeGreaterThan(0.95);
});
test("another trouble on another service is not like it", () => {
  expect(likeness(leak(310), other)).toBeLessThan(0.2);
});
test("the same alerts before anything is known are like the whole incident", () => {
  const { members } = leak(1);
  expect(likeness({ members, evidence: [] }, leak(2))).toBeGreaterThan(LEAST_SIMILARITY);
});
test("the same rule on another service is less than like", () => {
  const elsewhere = { ...other, members: [{ name: "HighErrorRatio", service: "storefront", annotations: {} }], evidence: [] };
  expect(likeness({ ...other, evidence: [] }, { ...elsewhere, cause: undefined })).toBeLessThan(0.6);
});
test("an embedding has length 1 and is equal in every process", () => {
  const embedding = embed(leak(310));
  expect(Math.hypot(...embedding)).toBeCloseTo(1, 4);
  expect(
    embedding
      .map((value, index) => (value === 0 ? undefined : index))
      .filter((index) => index !== undefined)
      .slice(0, 5),
  ).toEqual(
    embed(leak(310))
      .map((value, index) => (value === 0 ? undefined : index))
      .filter((index) => index !== undefined)
      .slice(0, 5),
  );
  expect(traceOf(leak(310), 256)?.marks).toContain("cause:payments:resource");
});
test("of nothing there is no embedding", () => {
  expect(traceOf({ members: [], evidence: [] }, 256)).toBeUndefined();
});
