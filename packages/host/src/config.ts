import { readFileSync } from "node:fs";
import * as z from "zod";

/** What of a module is needed to read its settings. */
export interface Configurable {
  readonly name: string;
  readonly config: z.ZodObject;
}

/** What may be spent; what is not named is not limited. */
type Budget = Partial<Record<"calls" | "tokens" | "usd" | "seconds", number>>;
/** `calls:12,tokens:150000,usd:0.5,seconds:300`, each part optional; `none` limits nothing. */
const budget = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text, context): Budget => {
      const parts = text === "none" ? [] : text.split(",").map((part) => /^\s*(calls|tokens|usd|seconds):(\d+(?:\.\d+)?)\s*$/.exec(part));
      if (parts.every((part) => part !== null)) return Object.fromEntries(parts.map((part) => [part[1], Number(part[2])]));
      context.addIssue({ code: "custom", message: "like calls:12,tokens:150000,usd:0.5,seconds:300, each of them optional; or none" });
      return z.NEVER;
    });

export type Env = Readonly<Record<string, string | undefined>>;

/** What belongs to the process rather than to a module: addresses of the parts and where it listens. Each is `TOCSIN_<KEY>`. */
export const HostConfig = z.object({
  host: z.string().min(1).default("127.0.0.1"),
  port: z.coerce.number().int().min(0).max(65_535).default(8080),
  apiToken: z.string().min(16, "at least 16 characters").optional(),
  /** `all`, or module names with commas. */
  modules: z.string().default("all"),
  busUrl: z.string().default("embedded:"),
  storeUrl: z.string().default("embedded:./.data/store"),
  cacheUrl: z.string().default("memory:"),
  metricsUrl: z.string().default("embedded:"),
  logsUrl: z.string().default("embedded:"),
  tracesUrl: z.string().default("embedded:"),
  targetsUrl: z.string().default("lab:"),
  labUrl: z.url().default("http://127.0.0.1:8081"),
  topologyFile: z.string().optional(),
  /** Language models, the first that is up is asked: see the README of @tocsin/llm. */
  llmUrl: z.string().default("none:"),
  /** One for each address of `llmUrl`, in its order, with commas. So are the keys. */
  llmModel: z.string().optional(),
  llmApiKey: z.string().optional(),
  llmPricesFile: z.string().optional(),
  /** How much a model of Ollama's is given to read, in tokens. */
  llmContextTokens: z.coerce.number().int().min(2_048).default(16_384),
  llmConcurrency: z.coerce.number().int().positive().default(2),
  llmMinSeverity: z.enum(["critical", "warning", "info"]).default("warning"),
  llmCoolDownSeconds: z.coerce.number().min(0).default(900),
  llmBudgetIncident: budget("calls:12,tokens:200000,usd:0.5,seconds:300"),
  llmBudgetHour: budget("calls:120,tokens:2000000,usd:5,seconds:3000"),
  llmBudgetDay: budget("calls:600,tokens:10000000,usd:20,seconds:15000"),
  /** Of one tenant in a day. */
  llmBudgetTenant: budget("calls:300,tokens:5000000,usd:10,seconds:7500"),
  /** Puts masked prompts and answers on spans. */
  llmTraceContent: z.stringbool().default(false),
  logLevel: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
  logFile: z.string().optional(),
  /** How long a stop may take before the process gives up, in seconds. */
  stopSeconds: z.coerce.number().positive().default(25),
  /** SASL for Kafka: `plain`, `scram-sha-256` or `scram-sha-512`. */
  busSaslMechanism: z.enum(["plain", "scram-sha-256", "scram-sha-512"]).optional(),
  busUsername: z.string().optional(),
  busPassword: z.string().optional(),
  busTls: z.stringbool().default(false),
  /** PEM of the authority that signed the brokers' certificates, when it is not a public one; most often through `TOCSIN_BUS_CA_FILE`. */
  busCa: z.string().optional(),
});
export type HostConfig = z.output<typeof HostConfig>;

export interface EffectiveConfig {
  readonly host: HostConfig;
  /** By module name. */
  readonly modules: Readonly<Record<string, unknown>>;
}

export interface ConfigProblem {
  readonly variable: string;
  readonly message: string;
}

const snake = (camel: string): string => camel.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase();
/** `("sre-agent", "settleSeconds")` → `TOCSIN_SRE_AGENT_SETTLE_SECONDS` */
export const variableOf = (module: string | undefined, key: string): string =>
  ["TOCSIN", ...(module === undefined ? [] : [module.replaceAll("-", "_").toUpperCase()]), snake(key)].join("_");

type Read = { kind: "read"; value: string | undefined } | { kind: "unreadable"; message: string };

/** A variable, or the content of the file that `<variable>_FILE` names: how secrets come from Docker and Kubernetes. Empty counts as unset. */
function readVariable(env: Env, variable: string): Read {
  const value = env[variable];
  if (value !== undefined && value !== "") return { kind: "read", value };
  const file = env[`${variable}_FILE`];
  if (file === undefined || file === "") return { kind: "read", value: undefined };
  try {
    return { kind: "read", value: readFileSync(file, "utf8").trim() };
  } catch (error) {
    return { kind: "unreadable", message: `cannot read ${file}: ${(error as Error).message}` };
  }
}

function readSlice(env: Env, module: string | undefined, schema: z.ZodObject, problems: ConfigProblem[]): unknown {
  const raw: Record<string, string> = {};
  for (const key of Object.keys(schema.shape)) {
    const variable = variableOf(module, key);
    const read = readVariable(env, variable);
    if (read.kind === "unreadable") problems.push({ variable: `${variable}_FILE`, message: read.message });
    else if (read.value !== undefined) raw[key] = read.value;
  }
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) {
    const key = String(issue.path[0] ?? "");
    const given = raw[key];
    const shown = given === undefined ? "is not set" : isSecret(key) ? "has a wrong value" : `is "${given}"`;
    problems.push({ variable: variableOf(module, key), message: `${shown}: ${issue.message}` });
  }
  return undefined;
}

/** Reads the whole configuration and reports every problem at once. */
export function readConfig(
  env: Env,
  modules: readonly Configurable[],
): { config: EffectiveConfig; problems: [] } | { config: undefined; problems: ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  // A lab that was moved to another port is found there without being told twice.
  const labPort = env["TOCSIN_LAB_PORT"];
  const moved = labPort === undefined || labPort === "" || labPort === "0" ? {} : { TOCSIN_LAB_URL: `http://127.0.0.1:${labPort}` };
  const host = readSlice({ ...moved, ...vendorKey(env), ...env }, undefined, HostConfig, problems) as HostConfig;
  const slices = Object.fromEntries(modules.map((module) => [module.name, readSlice(env, module.name, module.config, problems)]));
  if (problems.length > 0) return { config: undefined, problems };
  return { config: { host, modules: slices }, problems: [] };
}

/** A single model's key under the name that its vendor gives it; only for the vendor's own address. */
function vendorKey(env: Env): Env {
  const url = env["TOCSIN_LLM_URL"] ?? "";
  const name = /^anthropic:(#[^,]*)?$/.test(url) ? "ANTHROPIC_API_KEY" : /^openai:(#[^,]*)?$/.test(url) ? "OPENAI_API_KEY" : undefined;
  const key = name === undefined || env["TOCSIN_LLM_API_KEY_FILE"] ? undefined : env[name];
  return key ? { TOCSIN_LLM_API_KEY: key } : {};
}

/** Variables that begin with `TOCSIN_` and that nothing here reads: most likely misspelled. */
export function unknownVariables(env: Env, modules: readonly Configurable[]): string[] {
  const known = new Set([
    ...Object.keys(HostConfig.shape).map((key) => variableOf(undefined, key)),
    ...modules.flatMap((module) => Object.keys(module.config.shape).map((key) => variableOf(module.name, key))),
  ]);
  return Object.keys(env).filter(
    (name) => name.startsWith("TOCSIN_") && !known.has(name) && !known.has(name.replace(/_FILE$/, "")) && !FOREIGN.test(name),
  );
}
/** Read by the tests, benchmarks and start scripts rather than by a module. */
const FOREIGN = /^TOCSIN_(REQUIRE_REAL|EVAL_DATA|FAILPOINT|STACK)/;

const isSecret = (key: string): boolean => /token|secret|password|apikey|signing/i.test(key);

/** The configuration as it may be shown: secrets and passwords in addresses taken out. */
export function redactConfig(config: unknown, key = ""): unknown {
  if (config === undefined || config === null) return config;
  if (isSecret(key)) return "[redacted]";
  if (typeof config === "string") return config.replace(/(:\/\/[^:/@]*):[^@/]*@/, "$1:[redacted]@");
  if (Array.isArray(config)) return config.map((item) => redactConfig(item));
  if (typeof config !== "object") return config;
  return Object.fromEntries(Object.entries(config).map(([name, value]) => [name, redactConfig(value, name)]));
}
