import { readFileSync } from "node:fs";
import { messageOf } from "@tocsin/runtime";
import * as z from "zod";
import { pricesFileInvalid } from "./errors.ts";
import type { LlmUsage } from "./llm-port.ts";

/** US dollars for a million tokens. */
export interface Price {
  readonly input: number;
  readonly output: number;
  /** Of input that the provider had cached; `input` when absent. */
  readonly cachedInput?: number;
}

export interface PriceTable {
  /** What people see beside a cost: prices change. */
  readonly version: string;
  /** By model; a date or `latest` at the end of a model's name does not matter. */
  readonly models: Readonly<Record<string, Price>>;
}

/**
 * List prices as the providers published them, without discounts. A model that is not here costs an unknown amount and is said to; a file
 * of one's own (`TOCSIN_LLM_PRICES_FILE`) replaces single lines or adds some.
 */
export const DEFAULT_PRICES: PriceTable = {
  version: "tocsin-2026-11",
  models: {
    "claude-fable-5-1": { input: 10, output: 50, cachedInput: 0.25 },
    "claude-fable-5": { input: 10, output: 50, cachedInput: 1 },
    "claude-opus-5-5": { input: 4, output: 20, cachedInput: 0.2 },
    "claude-opus-5": { input: 5, output: 25, cachedInput: 0.5 },
    "claude-opus-4-8": { input: 5, output: 25, cachedInput: 0.5 },
    "claude-opus-4-7": { input: 5, output: 25, cachedInput: 0.5 },
    "claude-opus-4-6": { input: 5, output: 25, cachedInput: 0.5 },
    "claude-opus-4-5": { input: 5, output: 25, cachedInput: 0.5 },
    "claude-sonnet-5-5": { input: 2, output: 10, cachedInput: 0.1 },
    "claude-sonnet-5": { input: 2, output: 10, cachedInput: 0.2 },
    "claude-sonnet-4-6": { input: 3, output: 15, cachedInput: 0.3 },
    "claude-sonnet-4-5": { input: 3, output: 15, cachedInput: 0.3 },
    // For prompts of up to 100,000 tokens; ours are far shorter.
    "claude-haiku-5-5": { input: 0.1, output: 0.5, cachedInput: 0.01 },
    "claude-haiku-4-5": { input: 1, output: 5, cachedInput: 0.1 },
    // At their peak hours, which cost twice as much as the others.
    "deepseek-flash": { input: 0.3, output: 1.2, cachedInput: 0.006 },
    "deepseek-v4-pro": { input: 1.32, output: 3.96, cachedInput: 0.044 },
    "gpt-4o": { input: 2.5, output: 10, cachedInput: 1.25 },
    "gpt-4o-mini": { input: 0.15, output: 0.6, cachedInput: 0.075 },
    "gpt-4.1": { input: 2, output: 8, cachedInput: 0.5 },
    "gpt-4.1-mini": { input: 0.4, output: 1.6, cachedInput: 0.1 },
  },
};

const amount = z.number().min(0);
const PriceFile = z.strictObject({
  version: z.string().min(1),
  models: z.record(z.string().min(1), z.strictObject({ input: amount, output: amount, cachedInput: amount.optional() })),
});

/**
 * The default prices with those of a JSON file over them.
 * @throws AppError `LLM_PRICES_FILE_INVALID`
 */
export function readPrices(file: string | undefined): PriceTable {
  if (file === undefined) return DEFAULT_PRICES;
  try {
    const own = PriceFile.parse(JSON.parse(readFileSync(file, "utf8")));
    return { version: own.version, models: { ...DEFAULT_PRICES.models, ...(own.models as PriceTable["models"]) } };
  } catch (error) {
    throw pricesFileInvalid(file, error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error));
  }
}

/** The price of a model; what runs on one's own machines (`ollama`, `scripted`) costs nothing. */
export function priceOf(table: PriceTable, provider: string, model: string): Price | undefined {
  const price = table.models[model] ?? table.models[model.replace(/-(?:\d{8}|\d{4}-\d\d-\d\d|latest)$/, "")];
  if (price !== undefined) return price;
  return provider === "ollama" || provider === "scripted" ? { input: 0, output: 0 } : undefined;
}

/** US dollars; `cachedInputTokens` is a part of `inputTokens`. */
export function costUsd(price: Price, usage: LlmUsage): number {
  const cached = Math.min(usage.cachedInputTokens ?? 0, usage.inputTokens);
  return (
    ((usage.inputTokens - cached) * price.input + cached * (price.cachedInput ?? price.input) + usage.outputTokens * price.output) / 1e6
  );
}
