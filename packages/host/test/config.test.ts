import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as z from "zod";
import { readConfig, redactConfig, unknownVariables, variableOf } from "../src/config.ts";
import { configInvalid, exitCodeOf } from "../src/errors.ts";
import { defineModule } from "../src/module.ts";

const bridge = defineModule({
  name: "bridge",
  config: z.object({ webhookToken: z.string().min(16).optional(), maxAlertsPerPost: z.coerce.number().int().positive().default(500) }),
  needs: [],
  start: async () => {},
});

test("a variable is the module's name and the key in capitals", () => {
  expect(variableOf("sre-agent", "settleSeconds")).toBe("TOCSIN_SRE_AGENT_SETTLE_SECONDS");
  expect(variableOf(undefined, "busUrl")).toBe("TOCSIN_BUS_URL");
});

test("reports every wrong setting at once, without showing a secret", () => {
  const { config, problems } = readConfig(
    { TOCSIN_PORT: "70000", TOCSIN_LOG_LEVEL: "loud", TOCSIN_BRIDGE_WEBHOOK_TOKEN: "hunter2", TOCSIN_BRIDGE_MAX_ALERTS_PER_POST: "0" },
    [bridge],
  );
  expect(config).toBeUndefined();
  expect(problems.map((p) => p.variable)).toEqual([
    "TOCSIN_PORT",
    "TOCSIN_LOG_LEVEL",
    "TOCSIN_BRIDGE_WEBHOOK_TOKEN",
    "TOCSIN_BRIDGE_MAX_ALERTS_PER_POST",
  ]);
  const error = configInvalid(problems);
  expect(error.message).toContain('TOCSIN_PORT is "70000"');
  expect(error.message).not.toContain("hunter2");
  expect(exitCodeOf(error)).toBe(2);
});

test("an empty variable counts as not set, and a _FILE variable gives the file's content", () => {
  const folder = mkdtempSync(join(tmpdir(), "tocsin-config-"));
  try {
    writeFileSync(join(folder, "token"), "0123456789abcdef\n");
    const { config } = readConfig({ TOCSIN_PORT: "", TOCSIN_BRIDGE_WEBHOOK_TOKEN_FILE: join(folder, "token") }, [bridge]);
    expect(config?.host.port).toBe(8080);
    expect(config?.modules["bridge"]).toEqual({ webhookToken: "0123456789abcdef", maxAlertsPerPost: 500 });
    const { problems } = readConfig({ TOCSIN_BRIDGE_WEBHOOK_TOKEN_FILE: join(folder, "absent") }, [bridge]);
    expect(problems).toMatchObject([{ variable: "TOCSIN_BRIDGE_WEBHOOK_TOKEN_FILE", message: expect.stringContaining("cannot read") }]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("what is shown holds no secret and no password of an address", () => {
  expect(redactConfig({ host: { apiToken: "abc", storeUrl: "postgres://me:pw@db/x" }, list: ["redis://:pw@h"] })).toEqual({
    host: { apiToken: "[redacted]", storeUrl: "postgres://me:[redacted]@db/x" },
    list: ["redis://:[redacted]@h"],
  });
});

test("names variables that nothing reads", () => {
  expect(unknownVariables({ TOCSIN_PROT: "1", TOCSIN_PORT: "1", TOCSIN_REQUIRE_REAL: "1", HOME: "/" }, [bridge])).toEqual(["TOCSIN_PROT"]);
});

test("a model's budget is read by parts; what it does not name is not limited", () => {
  const read = (budget: string) => readConfig({ TOCSIN_LLM_BUDGET_INCIDENT: budget }, []);
  expect(read("calls:3, usd:0.25").config?.host.llmBudgetIncident).toEqual({ calls: 3, usd: 0.25 });
  expect(read("none").config?.host.llmBudgetIncident).toEqual({});
  expect(read("").config?.host.llmBudgetIncident).toEqual({ calls: 12, tokens: 200_000, usd: 0.5, seconds: 300 });
  for (const wrong of ["calls", "calls:many", "euros:3", "calls:-1"]) {
    expect(read(wrong).problems).toMatchObject([{ variable: "TOCSIN_LLM_BUDGET_INCIDENT", message: expect.stringContaining("calls:12") }]);
  }
});

test("a vendor's own name for a key counts for the vendor's own address, and a secret's file before it", () => {
  const keyOf = (env: Record<string, string>) => readConfig(env, []).config?.host.llmApiKey;
  const both = { ANTHROPIC_API_KEY: "ka", OPENAI_API_KEY: "ko" };
  expect(keyOf({ ...both, TOCSIN_LLM_URL: "anthropic:#claude-haiku-4-5" })).toBe("ka");
  expect(keyOf({ ...both, TOCSIN_LLM_URL: "openai:" })).toBe("ko");
  expect(keyOf({ ...both, TOCSIN_LLM_URL: "openai:https://api.deepseek.com/v1" })).toBeUndefined();
  expect(keyOf({ ...both, TOCSIN_LLM_URL: "anthropic:,openai:https://h/v1" })).toBeUndefined();
  expect(keyOf({ ...both, TOCSIN_LLM_URL: "anthropic:", TOCSIN_LLM_API_KEY: "ours" })).toBe("ours");
  expect(keyOf(both)).toBeUndefined();
});
