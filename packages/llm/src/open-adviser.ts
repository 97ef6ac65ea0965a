import { AppError, messageOf, redact } from "@tocsin/runtime";
import type { Registry } from "prom-client";
import type { Adviser } from "./adviser.ts";
import { type AdviserOptions, createAdviser } from "./create-adviser.ts";
import { schemeUnknown, setupInvalid } from "./errors.ts";
import type { LlmLedger } from "./ledger.ts";
import type { LlmPort } from "./llm-port.ts";
import { readPrices } from "./prices.ts";
import { readScript, scriptedLlm } from "./scripted-llm.ts";

/** A large model takes its time to be loaded. */
const CHECK_MS = 180_000;
const SCHEMES = ["none:", "anthropic:", "ollama:", "openai:", "scripted:"];

export interface OpenAdviserOptions extends Omit<AdviserOptions, "providers" | "prices" | "ledger" | "registry"> {
  /** Addresses with commas, the first one first: see README.md. `none:` alone is no model at all. */
  readonly url: string;
  /** A model for each address, in the same order, with commas. `#model` at the end of an address says it as well. */
  readonly model?: string;
  /** A key for each address, in the same order, with commas. A key is sent to its own address and to no other. */
  readonly apiKey?: string;
  readonly pricesFile?: string;
  /** How much a model of Ollama's is given to read, in tokens. Default 16,384. */
  readonly contextTokens?: number;
  readonly ledger: LlmLedger;
  readonly registry: Registry;
}

export interface RunningAdviser extends Adviser {
  close(): Promise<void>;
}

/** One address of the list, taken apart. */
export interface ProviderAddress {
  readonly scheme: string;
  /** Without the scheme and the model, e.g. `http://127.0.0.1:11434`; empty for the provider's own. */
  readonly rest: string;
  readonly model: string | undefined;
  readonly apiKey: string | undefined;
}

/**
 * @returns the providers in their order; none for `none:`
 * @throws AppError `LLM_URL_UNKNOWN_SCHEME`
 */
export function readAddresses(url: string, models = "", keys = ""): readonly ProviderAddress[] {
  const modelOf = models.split(",").map((model) => model.trim());
  const keyOf = keys.split(",").map((key) => key.trim());
  const addresses = url.split(",").map((one) => one.trim());
  return addresses
    .map((address, index): ProviderAddress => {
      const [, scheme = "", rest = "", named] = /^([a-z]+:)([^#]*)(?:#(.*))?$/.exec(address) ?? [];
      if (!SCHEMES.includes(scheme)) throw schemeUnknown(redact(address), SCHEMES);
      // A single model is meant for the one address there is.
      return { scheme, rest, model: named || modelOf[index] || undefined, apiKey: keyOf[index] || undefined };
    })
    .filter(({ scheme }) => scheme !== "none:");
}

/**
 * Opens the models that the addresses name. Each library is loaded for its own scheme only. A provider that cannot be used as it is set up
 * (no key, no model, a wrong address) is said in one line and counts as down; the process goes on without it.
 *
 * @throws AppError `LLM_URL_UNKNOWN_SCHEME`, `LLM_PRICES_FILE_INVALID`
 */
export async function openAdviser(options: OpenAdviserOptions): Promise<RunningAdviser> {
  const { url, model, apiKey, pricesFile, log } = options;
  const prices = readPrices(pricesFile);
  const ports: LlmPort[] = [];
  for (const address of readAddresses(url, model, apiKey)) {
    try {
      ports.push(await openProvider(address, options));
    } catch (error) {
      const provider = address.scheme.slice(0, -1);
      const name = address.model ?? "no model";
      const fault = AppError.is(error) ? error : setupInvalid(provider, name, messageOf(error));
      ports.push(brokenLlm(provider, name, fault));
    }
  }
  const adviser = createAdviser({ ...options, providers: ports, prices });
  for (const { provider, model: name, price } of (await adviser.status()).providers) {
    if (price === undefined) log.warn({ provider, model: name, prices: prices.version }, "price of model unknown");
  }
  // Nothing waits for it: a provider that is away, or loads its model, keeps no process from starting.
  const ending = new AbortController();
  const checking = adviser.check(AbortSignal.any([ending.signal, AbortSignal.timeout(CHECK_MS)]));
  return {
    isConfigured: adviser.isConfigured,
    advise: adviser.advise,
    status: adviser.status,
    async close() {
      ending.abort();
      await checking;
      for (const port of ports) await port.close();
    },
  };
}

async function openProvider({ scheme, rest, model, apiKey }: ProviderAddress, options: OpenAdviserOptions): Promise<LlmPort> {
  const provider = scheme.slice(0, -1);
  if (scheme === "scripted:") return scriptedLlm(readScript(rest), { clock: options.clock, ...(model === undefined ? {} : { model }) });
  // The address is shown without what may be a password in it.
  if (rest !== "" && !/^https?:\/\/[^/]/.test(rest)) {
    throw setupInvalid(provider, model ?? "no model", `"${redact(rest)}" is no address; it looks like ${provider}:https://host/path`);
  }
  const baseUrl = rest === "" ? {} : { baseUrl: rest };
  if (scheme === "anthropic:") return (await import("./anthropic-llm.ts")).anthropicLlm({ model, apiKey, ...baseUrl });
  if (scheme === "openai:") return (await import("./openai-llm.ts")).openAiLlm({ model, apiKey, ...baseUrl });
  const contextTokens = options.contextTokens ?? 16_384;
  return (await import("./ollama-llm.ts")).ollamaLlm({ baseUrl: rest || "http://127.0.0.1:11434", model, apiKey, contextTokens });
}

/** Stands where a provider would: nothing is asked of it, and its breaker opens at once. */
function brokenLlm(provider: string, model: string, fault: AppError): LlmPort {
  return {
    provider,
    model,
    async complete() {
      throw fault;
    },
    async check() {
      throw fault;
    },
    async close() {},
  };
}
