import { describe, expect, test } from "vitest";
import { logLineOf } from "../../src/loki/log-line.ts";

describe("a raw line", () => {
  test.each([
    ["plain text", "GET / 200", undefined, "info", "GET / 200"],
    ["a level by the stream", "something odd", "WARN", "warn", "something odd"],
    ["logfmt", 'ts=1 level=error msg="no route"', undefined, "error", 'ts=1 level=error msg="no route"'],
    ["a shouted level", "2026-01-01 ERROR pool exhausted", undefined, "error", "2026-01-01 ERROR pool exhausted"],
    ["pino JSON", '{"level":50,"msg":"query failed","err":{"message":"timeout"}}', undefined, "error", "query failed: timeout"],
    ["JSON with text fields", '{"severity":"warning","message":"slow"}', undefined, "warn", "slow"],
    ["JSON without a message", '{"a":1}', undefined, "info", '{"a":1}'],
    ["half JSON", '{"level":"error"', undefined, "info", '{"level":"error"'],
    ["an unknown level", "x", "shiny", "info", "x"],
    ["null in JSON", '{"msg":null,"message":"m"}', undefined, "info", "m"],
    ["a word that is no level", "an information desk", undefined, "info", "an information desk"],
  ])("%s", (_, raw, hint, level, message) => {
    expect(logLineOf("cart", 1, raw, hint)).toEqual({ at: 1, service: "cart", level, message });
  });

  test("is cut at 4,096 characters, after redaction", () => {
    const { message } = logLineOf("cart", 1, `${"x".repeat(4_080)} password=hunter2hunter2hunter2`, undefined);
    expect(message).toHaveLength(4_096);
    expect(message).not.toContain("hunter2");
  });
});
