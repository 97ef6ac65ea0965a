import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Logger, silentLogger, systemClock } from "@tocsin/runtime";
import { eventually, startLlm } from "@tocsin/testkit";
import { Registry } from "prom-client";
import { describe, expect, test } from "vitest";
import { memoryLedger } from "../src/memory-ledger.ts";
import { type OpenAdviserOptions, openAdviser, readAddresses } from "../src/open-adviser.ts";
import { request } from "./request.ts";

function recording(): { log: Logger; lines: { level: string; fields: object; message: string }[] } {
  const lines: { level: string; fields: object; message: string }[] = [];
  const at = (level: string) => (fields: object, message: string) => void lines.push({ level, fields, message });
  return { lines, log: { ...silentLogger, warn: at("warn"), error: at("error"), info: at("info") } };
}
const open = (url: string, more: Partial<OpenAdviserOptions> = {}) =>
  openAdviser({ url, ledger: memoryLedger(), registry: new Registry(), clock: systemClock, log: silentLogger, ...more });
const ask = { callId: "a", tenant: "t" };

describe("addresses", () => {
  test("have a model and a key each, in their order", () => {
    expect(
      readAddresses(
        "anthropic:, ollama:http://h:11434#qwen3:8b,openai:https://api.deepseek.com/v1",
        "claude-haiku-4-5,,deepseek-flash",
        "k1,,k3",
      ),
    ).toEqual([
      { scheme: "anthropic:", rest: "", model: "claude-haiku-4-5", apiKey: "k1" },
      { scheme: "ollama:", rest: "http://h:11434", model: "qwen3:8b", apiKey: undefined },
      { scheme: "openai:", rest: "https://api.deepseek.com/v1", model: "deepseek-flash", apiKey: "k3" },
    ]);
  });

  test("that are `none:` are none", () => expect(readAddresses("none:")).toEqual([]));

  test.each(["gemini:", "claude", "", "none:,foo:bar"])("with an unknown scheme are refused, naming the known ones: %j", (url) =>
    expect(() => readAddresses(url)).toThrowError(
      expect.objectContaining({ code: "LLM_URL_UNKNOWN_SCHEME", message: expect.stringContaining("anthropic:") }),
    ),
  );
});

describe("what cannot be used", () => {
  test.each([
    ["no key", "anthropic:", { model: "claude-haiku-4-5" }, "TOCSIN_LLM_API_KEY"],
    ["no model", "anthropic:", { apiKey: "k" }, "TOCSIN_LLM_MODEL"],
    ["no address", "ollama:localhost", { model: "m" }, "is no address"],
    ["no key for OpenAI", "openai:", { model: "gpt-4o" }, "TOCSIN_LLM_API_KEY"],
    ["no script", "scripted:/no/such/file", {}, "/no/such/file"],
  ])("is said in one line and counts as down: %s", async (_what, url, more, words) => {
    const { log, lines } = recording();
    const adviser = await open(url, { ...more, log });
    const { providers } = await adviser.status();
    expect(providers).toMatchObject([{ state: "down", reason: expect.stringContaining(words) }]);
    expect(lines.filter(({ message }) => message === "model down")).toHaveLength(1);
    expect(await adviser.advise(request(), ask)).toMatchObject({
      kind: "skipped",
      reason: "breaker",
      text: expect.stringContaining(words),
    });
    await adviser.close();
  });

  test("does not keep a fallback from answering", async () => {
    const server = await startLlm({ protocol: "ollama" });
    const adviser = await open(`anthropic:,ollama:${server.url}`, { model: "claude-haiku-4-5,stand-in" });
    expect(await adviser.advise(request(), ask)).toMatchObject({ kind: "reply", reply: { text: "ok", provider: "ollama" } });
    await adviser.close();
    await server.close();
  });
});

test("a provider that refuses the key is known to be down before anybody asks", async () => {
  const server = await startLlm({ protocol: "anthropic" });
  const { log, lines } = recording();
  const adviser = await open(`anthropic:${server.url}`, { model: "stand-in", apiKey: "expired-key", log });
  await eventually("it to be down", async () => (await adviser.status()).providers[0]?.state === "down" || undefined);
  expect((await adviser.status()).providers[0]).toMatchObject({ code: "LLM_KEY_REFUSED" });
  expect(JSON.stringify(lines)).not.toContain("expired-key");
  await adviser.close();
  await server.close();
});

test("a provider that is not there is known to be down before anybody asks", async () => {
  const gone = await startLlm({ protocol: "ollama" });
  await gone.close();
  const { log, lines } = recording();
  const adviser = await open(`ollama:${gone.url}#stand-in`, { log });
  await eventually("it to be down", async () => (await adviser.status()).providers[0]?.state === "down" || undefined);
  expect(lines).toMatchObject([{ message: "model down", fields: { code: "LLM_UNREACHABLE" } }]);
  await adviser.close();
});

test("a provider that never answers keeps nothing from starting or stopping", async () => {
  const server = await startLlm({ protocol: "ollama" });
  server.next({ kind: "silence" });
  const startedAt = performance.now();
  const adviser = await open("ollama:http://192.0.2.1:11434", { model: "m" });
  await adviser.close();
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  await server.close();
});

test("a price that is not known is said once", async () => {
  const { log, lines } = recording();
  const adviser = await open("openai:http://127.0.0.1:9/v1#something", { log });
  expect(lines.filter(({ message }) => message === "price of model unknown")).toHaveLength(1);
  expect((await adviser.status()).providers[0]).not.toHaveProperty("price");
  await adviser.close();
});

describe("a script", () => {
  const script = (text: string) => {
    const path = join(mkdtempSync(join(tmpdir(), "script-")), "llm.jsonl");
    writeFileSync(path, text);
    return path;
  };

  test("answers by prompt and text, each line as often as it says", async () => {
    const path = script(
      [
        '{"match":{"prompt":"narrate","text":"happened"},"reply":{"text":"first"},"times":1}',
        '{"match":{"prompt":"hypothesis"},"reply":{"json":{"a":1}}}',
        '{"error":{"code":"LLM_OVERLOADED","retryable":true}}',
      ].join("\n"),
    );
    const adviser = await open(`scripted:${path}`);
    const hypothesis = { name: "hypothesis", version: 1, hash: "" };
    expect(await adviser.advise(request(), ask)).toMatchObject({ reply: { text: "first" } });
    expect(await adviser.advise(request({ prompt: hypothesis, schema: { name: "x", schema: {} } }), { ...ask, callId: "b" })).toMatchObject(
      { reply: { json: { a: 1 } } },
    );
    expect(await adviser.advise(request(), { ...ask, callId: "c" })).toMatchObject({
      reason: "failed",
      text: expect.stringContaining("LLM_OVERLOADED"),
    });
    await adviser.close();
  });

  test("with a misspelled field is down, naming it", async () => {
    const adviser = await open(`scripted:${script('[{"replly":{"text":"x"}}]')}`);
    expect((await adviser.status()).providers).toMatchObject([
      { state: "down", code: "LLM_SCRIPT_INVALID", reason: expect.stringContaining("replly") },
    ]);
    await adviser.close();
  });
});
