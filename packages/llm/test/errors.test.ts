import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as errors from "../src/errors.ts";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const source = readFileSync(new URL("../src/errors.ts", import.meta.url), "utf8");
const codes = new Set(source.match(/"LLM_[A-Z_]+"/g)?.map((code) => code.slice(1, -1)));

test("the README documents every error code", () => {
  expect(codes.size).toBeGreaterThan(15);
  for (const code of codes) expect(readme).toContain(`\`${code}\``);
});

test("the README documents every setting with its default", async () => {
  const config = readFileSync(new URL("../../host/src/config.ts", import.meta.url), "utf8");
  const keys =
    config.match(/^ {2}llm[A-Za-z]+(?=:)/gm)?.map(
      (key) =>
        `TOCSIN_${key
          .trim()
          .replace(/[A-Z]/g, (c) => `_${c}`)
          .toUpperCase()}`,
    ) ?? [];
  expect(keys.length).toBeGreaterThan(10);
  for (const key of keys) expect(readme).toContain(`\`${key}\``);
});

test.each([
  [{ status: 429 }, "LLM_LIMIT_REACHED"],
  [{ status: 429, retryAfterMs: 0 }, "LLM_RATE_LIMITED"],
  [{ status: 429, kind: "insufficient_quota", retryAfterMs: 5 }, "LLM_UNPAID"],
  [{ status: 422 }, "LLM_REQUEST_REJECTED"],
  [{ status: 599 }, "LLM_UNAVAILABLE"],
])("%j means %s", (fault, code) => {
  expect(errors.faultOfStatus({ provider: "p", model: "m", reason: "r", ...fault }).code).toBe(code);
});

test("what a provider says is shown in one line, visible and without a key", () => {
  const reason = "Incorrect API key provided:\n sk-proj-ABCDEFGHIJKLMNOPQRSTUV \u202e\u001b[31m";
  expect(errors.keyRefused({ provider: "p", model: "m", reason }).message).toBe(
    "p (m) does not accept the key: Incorrect API key provided: [redacted api key]",
  );
});

test("a reason is cut, and the cause is kept", () => {
  const cause = new Error("deep");
  const error = errors.unavailable({ provider: "p", model: "m", reason: "x".repeat(10_000), cause });
  expect(error.message.length).toBeLessThan(600);
  expect(error.cause).toBe(cause);
});
