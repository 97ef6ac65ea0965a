import { expect, test } from "vitest";
import { entryOfLab, entryOfService } from "../../src/log-agent/service-line.ts";

const bridge = { id: "bridge-2", service: "bridge" } as const;

test("a line of a service is a stream of its service, replica and level, at its own time, as it was written", () => {
  const text = '{"level":"warn","time":"2026-11-21T10:00:00.250Z","msg":"broker away"}';
  expect(entryOfService(bridge, text, 5)).toEqual({
    labels: { job: "tocsin", service: "tocsin-bridge", instance: "bridge-2", level: "warn" },
    atMs: Date.parse("2026-11-21T10:00:00.250Z"),
    text,
  });
});

test.each([["    at main.ts:3:1"], ['{"level":'], ['{"level":"made-up-1","time":7}'], ["{}"]])(
  "%j has no level and the time of now",
  (text) => {
    const { labels, atMs } = entryOfService(bridge, text, 5);
    expect([labels["level"], atMs]).toEqual([undefined, 5]);
  },
);

test("a line of the lab is a stream of its service and level", () => {
  expect(entryOfLab({ at: 12.345, service: "cart", level: "error", message: "no" })).toEqual({
    labels: { job: "lab", service: "cart", level: "error" },
    atMs: 12_345,
    text: "no",
  });
});
