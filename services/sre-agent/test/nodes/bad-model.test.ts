// A model that is set up wrongly, over the real adapters and a loopback server: one clear line each, and the incident goes on.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { memoryLedger, openAdviser } from "@tocsin/llm";
import { type Logger, silentLogger, systemClock } from "@tocsin/runtime";
import { openStore, type Store, viewIncident } from "@tocsin/store";
import { freePort } from "@tocsin/testkit";
import { Registry } from "prom-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { investigate } from "../../src/investigate.ts";
import { agentDeps, seedIncident, toldOf, wellSystem } from "../fakes.ts";

let store: Store;
let server: Server;
let origin: string;
beforeAll(async () => {
  store = await openStore({ url: "embedded:memory", log: silentLogger });
  server = createServer((request, response) => {
    const isKnown = request.headers.authorization === "Bearer good-key";
    response.writeHead(isKnown ? 404 : 401, { "content-type": "application/json" });
    response.end(
      JSON.stringify({
        error: isKnown
          ? { code: "model_not_found", message: "The model does not exist" }
          : { code: "invalid_api_key", message: "Incorrect API key provided" },
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await store.close();
});

test.each([
  ["a missing key", () => ({ url: "anthropic:", model: "claude-sonnet-5" })],
  ["an expired key", () => ({ url: `openai:${origin}`, model: "m", apiKey: "old-key" })],
  ["an unknown model", () => ({ url: `openai:${origin}`, model: "no-such-model", apiKey: "good-key" })],
  ["a wrong address", async () => ({ url: `ollama:http://127.0.0.1:${await freePort()}`, model: "m" })],
] as const)("%s is said in one line, and the incident is worked on as without a model", async (what, setup) => {
  const lines: string[] = [];
  const note = (...given: readonly unknown[]) =>
    void lines.push(given.map((each) => (typeof each === "string" ? each : JSON.stringify(each))).join(" "));
  const log = { ...silentLogger, warn: note, error: note, child: () => log } as unknown as Logger;
  const adviser = await openAdviser({
    ...(await setup()),
    ledger: memoryLedger(),
    log,
    clock: systemClock,
    registry: new Registry(),
    coolDownSeconds: 0,
  });
  const id = `inc_${what.replaceAll(" ", "_")}`;
  await seedIncident(store, id);
  await investigate(
    await agentDeps(store, { ...wellSystem(), illFor: 60 }, { adviser, config: { adviseBelow: 1 } }),
    id,
    "it opened",
    undefined,
  );
  await adviser.close();
  const told = (await toldOf(store, id)).filter((each) => each.phase === "reason");
  expect(told).toHaveLength(1);
  expect(told[0]?.text).toMatch(/^No model: [^\n]{8,300}$/);
  expect(`${told[0]?.text}${lines.join()}`).not.toContain("old-key");
  expect(lines.length).toBeLessThanOrEqual(2);
  expect(await viewIncident(store.sql, id)).toMatchObject({ state: "mitigating", runs: [{ runbook: "roll-back" }] });
});
