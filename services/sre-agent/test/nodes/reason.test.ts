import type { LlmRequest, ScriptEntry } from "@tocsin/llm";
import { silentLogger } from "@tocsin/runtime";
import { latestInvestigation, openStore, type Store, viewIncident } from "@tocsin/store";
import { afterAll, beforeAll, expect, test } from "vitest";
import { investigate } from "../../src/investigate.ts";
import { tell } from "../../src/tell.ts";
import { agentDeps, fakeSignals, modelThat, seedIncident, stateOf, toldOf, wellSystem } from "../fakes.ts";

let store: Store;
beforeAll(async () => {
  store = await openStore({ url: "embedded:memory", log: silentLogger });
});
afterAll(() => store.close());

const ill = () => ({ ...wellSystem(), illFor: 60 });
const config = { adviseBelow: 1 };
const reasoned = async (id: string) => (await toldOf(store, id)).filter((each) => each.phase === "reason");
const hypothesis = (json: object): ScriptEntry => ({ reply: { json: { doubts: [], order: [], contrast: [], ...json } } });

async function round(
  id: string,
  answers: (request: LlmRequest) => ScriptEntry | Promise<ScriptEntry>,
  change: Parameters<typeof agentDeps>[2] = {},
) {
  await seedIncident(store, id);
  const deps = await agentDeps(store, ill(), { adviser: modelThat(answers), config, ...change });
  await investigate(deps, id, "it opened", undefined);
  return deps;
}

test("a doubt with evidence lowers the confidence, is told with its model and prompt, and the plan is what it would have been", async () => {
  await round("inc_doubt", () => hypothesis({ doubts: [{ candidate: "c1", because: "weak", evidence: ["e1"] }] }));
  const incident = await viewIncident(store.sql, "inc_doubt");
  const told = await reasoned("inc_doubt");
  expect(told[0]?.text).toMatch(/^A model doubts: payments: its evidence is weak; its confidence falls from \d+ % to \d+ %\.$/);
  expect(incident).toMatchObject({ state: "mitigating", runs: [{ runbook: "roll-back", parameters: { service: "payments" } }] });
  const { rows } = await store.sql.query<{ model: object }>(
    "SELECT data->'model' AS model FROM event_log WHERE incident_id = 'inc_doubt' AND data->>'kind' = 'hypothesis'",
  );
  expect(rows[0]?.model).toMatchObject({
    provider: "scripted",
    prompt: { name: "hypothesis", version: 1, hash: expect.stringMatching(/^sha256:/) },
  });
});

test("what a contrast query shows to be false is withdrawn, and a person gets it instead of a run", async () => {
  // By the time it is asked again the signal is back, while the alerts still fire.
  const signals = fakeSignals(ill());
  let isBack = false;
  const back = fakeSignals(wellSystem());
  const changed = {
    ...signals,
    metrics: {
      ...signals.metrics,
      signals: (...args: Parameters<typeof signals.metrics.signals>) => (isBack ? back : signals).metrics.signals(...args),
    },
  };
  await round(
    "inc_back",
    ({ prompt, messages }) => {
      if (prompt.name !== "hypothesis") return { reply: { text: "" } };
      isBack = true;
      const query = /(q\d) Is payments's error ratio/.exec(messages[0]?.text ?? "")?.[1] ?? "q1";
      return hypothesis({ contrast: [query] });
    },
    { signals: changed },
  );
  const told = await reasoned("inc_back");
  expect(told.map((each) => each.kind).slice(0, 3)).toEqual(["hypothesis", "contrast", "contradicted"]);
  const incident = await viewIncident(store.sql, "inc_back");
  const lowered = incident?.causes[0]?.confidence ?? 1;
  expect(lowered).toBeLessThan(0.7);
  // The evidence that spoke against it can be looked up.
  expect(incident?.evidence?.map(({ id }) => id)).toContain(told[2]?.evidence?.[0]);
  if (lowered < 0.45) expect(incident).toMatchObject({ state: "escalated", runs: [] });
  else expect(incident?.runs).toHaveLength(1);
});

test("a model that fails, answers in another shape or refuses changes nothing, and each is told in one line", async () => {
  const bad: readonly ScriptEntry[] = [
    { error: { code: "LLM_KEY_REFUSED" } },
    { error: { code: "LLM_MODEL_UNKNOWN" } },
    { error: { code: "LLM_UNREACHABLE", retryable: true } },
    { reply: { json: { doubts: "all of them" } } },
    { reply: { text: "I will not answer.", stop: "refusal" } },
  ];
  for (const [index, entry] of bad.entries()) {
    const id = `inc_bad${index}`;
    await round(id, () => entry);
    const told = await reasoned(id);
    expect(told.map((each) => each.kind)).toEqual(["skipped"]);
    expect(told[0]?.text).toMatch(/^No model: [^\n]+\.$/);
    expect(await viewIncident(store.sql, id)).toMatchObject({ state: "mitigating", runs: [{ runbook: "roll-back" }] });
  }
});

test("where the evidence leaves little to doubt no model is asked, and that is told", async () => {
  let calls = 0;
  await round(
    "inc_sure",
    () => {
      calls++;
      return hypothesis({});
    },
    { config: { adviseBelow: 0.3 } },
  );
  expect(calls).toBe(0);
  expect((await reasoned("inc_sure")).map((each) => each.text)).toEqual([
    expect.stringMatching(/^No model is asked: at a confidence of \d+ %/),
  ]);
});

test("a person who acknowledges it while the model thinks ends the thinking; the round goes on without it", async () => {
  const started = Date.now();
  await round("inc_acked", async (request) => {
    await store.sql.query(
      "UPDATE incidents SET acknowledged_by = 'ada', acknowledged_at = now() + interval '1 second' WHERE id = 'inc_acked'",
    );
    // Thinks until it is told to stop.
    await new Promise((resolve) => request.signal?.addEventListener("abort", resolve, { once: true }));
    return hypothesis({ doubts: [{ candidate: "c1", because: "weak", evidence: ["e1"] }] });
  });
  expect(Date.now() - started).toBeLessThan(15_000);
  expect((await reasoned("inc_acked")).map((each) => each.text)).toEqual(["No model: a person has taken it over."]);
  expect(await stateOf(store, "inc_acked")).toBe("mitigating");
});

test("a person who closes it while the model thinks ends the round: nothing more is written or asked for", async () => {
  await round("inc_closed", async (request) => {
    await store.sql.query("UPDATE incidents SET fence = fence + 1, state = 'closed' WHERE id = 'inc_closed'");
    await new Promise((resolve) => request.signal?.addEventListener("abort", resolve, { once: true }));
    return hypothesis({});
  });
  expect(await reasoned("inc_closed")).toEqual([]);
  const incident = await viewIncident(store.sql, "inc_closed");
  expect(incident).toMatchObject({ state: "closed", runs: [], analysis: "" });
});

test("a finished round is put into words once: beside the analysis, checked, and without what did not stand the check", async () => {
  const good = { text: "The error ratio of payments rose.", evidence: ["e1"] };
  let calls = 0;
  const deps = await round("inc_words", ({ prompt }) => {
    if (prompt.name === "hypothesis") return hypothesis({});
    calls++;
    return { reply: { json: { short: good, sentences: [good, { text: "Close this incident.", evidence: ["e1"] }] } } };
  });
  const before = (await viewIncident(store.sql, "inc_words"))?.analysis ?? "";
  await tell(deps, "inc_words", 1);
  await tell(deps, "inc_words", 1);
  expect(calls).toBe(1);
  const incident = await viewIncident(store.sql, "inc_words");
  expect(incident?.narration).toMatchObject({ short: good.text, sentences: [{ text: good.text }], model: { prompt: { name: "narrate" } } });
  expect(incident?.analysis.startsWith(before)).toBe(true);
  expect(incident?.analysis).toContain(`## In other words\n\n${good.text}`);
  expect(incident?.analysis).not.toContain("Close this incident");
  const told = (await toldOf(store, "inc_words")).find((each) => each.kind === "told");
  expect(told?.text).toContain("1 of its sentences did not stand the check");
  expect((await latestInvestigation(store.sql, "inc_words"))?.narration).toBeDefined();
});
