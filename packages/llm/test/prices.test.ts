import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { costUsd, DEFAULT_PRICES, priceOf, readPrices } from "../src/prices.ts";

const file = (text: string): string => {
  const path = join(mkdtempSync(join(tmpdir(), "prices-")), "prices.json");
  writeFileSync(path, text);
  return path;
};

test("a model is known by its name, with or without a date, and not by the name of another", () => {
  expect(priceOf(DEFAULT_PRICES, "anthropic", "claude-haiku-4-5-20251001")).toEqual(DEFAULT_PRICES.models["claude-haiku-4-5"]);
  expect(priceOf(DEFAULT_PRICES, "openai", "gpt-4o-mini-2024-07-18")).toEqual(DEFAULT_PRICES.models["gpt-4o-mini"]);
  expect(priceOf(DEFAULT_PRICES, "anthropic", "claude-opus-5-9")).toBeUndefined();
  expect(priceOf(DEFAULT_PRICES, "openai", "gpt-4o-audio")).toBeUndefined();
});

test("what runs on one's own machines costs nothing, unless a price says so", () => {
  expect(priceOf(DEFAULT_PRICES, "ollama", "qwen3:8b")).toEqual({ input: 0, output: 0 });
  expect(priceOf({ version: "v", models: { "qwen3:8b": { input: 1, output: 2 } } }, "ollama", "qwen3:8b")).toEqual({ input: 1, output: 2 });
});

test("cached input costs its own price, and never more tokens than there were", () => {
  const price = { input: 10, output: 50, cachedInput: 1 };
  expect(costUsd(price, { inputTokens: 1_000_000, outputTokens: 100_000, cachedInputTokens: 400_000 })).toBeCloseTo(6 + 0.4 + 5);
  expect(costUsd(price, { inputTokens: 1_000_000, outputTokens: 0, cachedInputTokens: 9_000_000 })).toBeCloseTo(1);
  expect(costUsd({ input: 10, output: 50 }, { inputTokens: 1_000_000, outputTokens: 0, cachedInputTokens: 1_000_000 })).toBeCloseTo(10);
});

test("a file changes single prices and names its own version", () => {
  const table = readPrices(
    file('{"version":"2027-01","models":{"claude-haiku-4-5":{"input":7,"output":8},"ours":{"input":1,"output":1}}}'),
  );
  expect(table.version).toBe("2027-01");
  expect(table.models["claude-haiku-4-5"]).toEqual({ input: 7, output: 8 });
  expect(table.models["claude-opus-5-5"]).toEqual(DEFAULT_PRICES.models["claude-opus-5-5"]);
});

test.each(["", "[]", '{"version":"v","models":{"m":{"input":-1,"output":1}}}', '{"version":"v","models":{"m":{"in":1,"output":1}}}'])(
  "a file that holds %j is refused by name",
  (text) => expect(() => readPrices(file(text))).toThrowError(expect.objectContaining({ code: "LLM_PRICES_FILE_INVALID" })),
);
