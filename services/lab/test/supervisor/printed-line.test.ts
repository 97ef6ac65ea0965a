import { expect, test } from "vitest";
import { readPrintedLine } from "../../src/supervisor/printed-line.ts";

test("reads a log line and a span, and adds the service", () => {
  expect(readPrintedLine("cart", '{"at":5,"level":"warn","message":"slow"}', 9)).toEqual({
    log: { at: 5, service: "cart", level: "warn", message: "slow" },
  });
  const span = { traceId: "t", spanId: "s", name: "GET /", kind: "client", peer: "inventory", startAt: 1, durationMs: 2, error: false };
  expect(readPrintedLine("cart", JSON.stringify({ span }), 9)).toEqual({
    span: { traceId: "t", spanId: "s", name: "GET /", peer: "inventory", startAt: 1, durationMs: 2, error: false, service: "cart" },
  });
});

test.each(["FATAL ERROR: Reached heap limit", "{", "null", '"text"', "[1]", '{"message":5}'])(
  "takes %j for what Node prints when it dies",
  (line) => {
    expect(readPrintedLine("cart", line, 9)).toEqual({ log: { at: 9, service: "cart", level: "error", message: line } });
  },
);
