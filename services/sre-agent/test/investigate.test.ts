import { MemorySaver } from "@langchain/langgraph";
import { silentLogger } from "@tocsin/runtime";
import { claimIncident, openStore, readGathered, type Store, viewIncident } from "@tocsin/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openCheckpoints } from "../src/checkpoints.ts";
import { threadOf } from "../src/graph.ts";
import { decideStart, investigate } from "../src/investigate.ts";
import { agentDeps, recover, seedIncident, stateOf, toldOf, wellSystem } from "./fakes.ts";

let store: Store;
beforeAll(async () => {
  store = await openStore({ url: "embedded:memory", log: silentLogger });
});
afterAll(() => store.close());

const ill = () => ({ ...wellSystem(), illFor: 60 });

describe("a round", () => {
  test("names the cause with evidence, asks for the runbook's run once and moves to mitigating", async () => {
    await seedIncident(store, "inc_a");
    const checkpoints = await openCheckpoints(store, silentLogger);
    expect(checkpoints).toBeDefined();
    await investigate(await agentDeps(store, ill()), "inc_a", "it opened", checkpoints);
    const incident = await viewIncident(store.sql, "inc_a");
    expect(incident).toMatchObject({ state: "mitigating", verdict: "cause", service: "payments" });
    expect(incident?.causes[0]).toMatchObject({ service: "payments", kind: "change" });
    expect(incident?.causes[0]?.evidence.map((each) => each.kind)).toEqual(expect.arrayContaining(["metric", "log", "change"]));
    expect(incident?.runs).toMatchObject([{ runbook: "roll-back", state: "requested", parameters: { service: "payments" } }]);
    expect(incident?.analysis).toContain("**payments** was the cause");
    // Once it is written down, the round is never resumed.
    expect(await checkpoints?.getTuple({ configurable: { thread_id: threadOf({ incidentId: "inc_a", round: 1 }) } })).toBeUndefined();
  });

  test("what is checkpointed is small: words, no signals", async () => {
    await seedIncident(store, "inc_small");
    const saver = new MemorySaver();
    saver.deleteThread = () => Promise.resolve();
    await investigate(await agentDeps(store, ill()), "inc_small", "it opened", saver);
    const tuple = await saver.getTuple({ configurable: { thread_id: threadOf({ incidentId: "inc_small", round: 1 }) } });
    expect(tuple?.checkpoint.channel_values).toMatchObject({ gathered: true, verdict: "cause", decision: "run", written: true });
    expect(JSON.stringify(tuple?.checkpoint).length).toBeLessThan(4_000);
  });

  test("every phase is told in order, and every evidence id that a thought names can be looked up", async () => {
    const told = await toldOf(store, "inc_a");
    const phases = told.flatMap((each) => each.phase ?? []);
    expect([...new Set(phases)]).toEqual(["gather", "diagnose", "recall", "plan", "narrate"]);
    const { rows } = await store.sql.query<{ id: string }>("SELECT id FROM evidence WHERE incident_id = 'inc_a'");
    const known = new Set(rows.map((row) => row.id));
    for (const id of told.flatMap((each) => each.evidence ?? [])) expect(known).toContain(id);
    expect(told.map((each) => each.type)).toContain("dev.tocsin.action.requested.v1");
  });

  test("gone through a second time it adds nothing", async () => {
    await seedIncident(store, "inc_twice");
    const deps = await agentDeps(store, ill());
    await investigate(deps, "inc_twice", "it opened", undefined);
    const before = await toldOf(store, "inc_twice");
    await store.sql.query("UPDATE investigations SET finished_at = NULL WHERE incident_id = 'inc_twice'");
    await investigate(deps, "inc_twice", "it opened", undefined);
    expect(await toldOf(store, "inc_twice")).toEqual(before);
    expect((await viewIncident(store.sql, "inc_twice"))?.runs).toHaveLength(1);
  });

  test("a round begun under another shape of the graph is gone through with what it has kept", async () => {
    await seedIncident(store, "inc_shape");
    const saver = new MemorySaver();
    saver.deleteThread = () => Promise.resolve();
    const system = ill();
    const dies = (name: string) => {
      if (name === "diagnose:saved") throw new Error("killed");
    };
    await expect(investigate(await agentDeps(store, system, { failpoint: dies }), "inc_shape", "it opened", saver)).rejects.toThrow(
      "killed",
    );
    // What an older version left lies under a name that nobody asks for any more.
    const thread = threadOf({ incidentId: "inc_shape", round: 1 });
    saver.storage[thread.replace(/v\d+$/, "v1")] = saver.storage[thread] ?? {};
    delete saver.storage[thread];
    const reads = system.reads;
    await investigate(await agentDeps(store, system), "inc_shape", "it opened", saver);
    expect(await stateOf(store, "inc_shape")).toBe("mitigating");
    expect(system.reads).toBe(reads);
  });

  test("a graph whose checkpoints fail does not stop it", async () => {
    await seedIncident(store, "inc_graph");
    const broken = new MemorySaver();
    broken.put = () => Promise.reject(new Error("checkpoint store is away"));
    await investigate(await agentDeps(store, ill()), "inc_graph", "it opened", broken);
    expect(await stateOf(store, "inc_graph")).toBe("mitigating");
  });

  test("a source that is away is named, and without signals nothing is done: a person gets it with the reason", async () => {
    await seedIncident(store, "inc_blind");
    await investigate(await agentDeps(store, { ...ill(), isAway: true }), "inc_blind", "it opened", undefined);
    const incident = await viewIncident(store.sql, "inc_blind");
    expect(incident?.state).toBe("escalated");
    expect(incident?.verdict).toBe("inconclusive");
    expect(incident?.escalation).toContain("No cause was singled out");
    expect(incident?.analysis).toContain("connection refused");
    expect(incident?.runs).toEqual([]);
  });

  test("a cause without a runbook is handed over with the cause and the analysis", async () => {
    await seedIncident(store, "inc_nobook");
    await investigate(await agentDeps(store, ill(), { runbooks: async () => [] }), "inc_nobook", "it opened", undefined);
    const incident = await viewIncident(store.sql, "inc_nobook");
    expect(incident?.state).toBe("escalated");
    expect(incident?.escalation).toContain("there are no runbooks");
    expect(incident?.analysis).toContain("**payments** was the cause");
  });

  test("an incident that recovered meanwhile is not acted on", async () => {
    await seedIncident(store, "inc_over");
    await recover(store, "inc_over");
    await investigate(await agentDeps(store, ill()), "inc_over", "it opened", undefined);
    const incident = await viewIncident(store.sql, "inc_over");
    expect(incident?.state).toBe("investigating");
    expect(incident?.runs).toEqual([]);
  });

  test("a worker whose incident was taken over writes nothing more and fails nothing", async () => {
    await seedIncident(store, "inc_fenced");
    const deps = await agentDeps(store, ill(), {
      failpoint: async (name) => {
        if (name === "gather:fetched") await claimIncident(store.sql, "inc_fenced");
      },
    });
    await investigate(deps, "inc_fenced", "it opened", undefined);
    expect(await readGathered(store.sql, "inc_fenced", 1)).toBeUndefined();
    expect((await toldOf(store, "inc_fenced")).map((each) => each.id)).not.toContain("inc_fenced:1:gather:2");
  });

  test("an error of a node is the job's error, for it to be tried again", async () => {
    await seedIncident(store, "inc_error");
    const failpoint = (name: string) => {
      if (name === "diagnose:saved") throw new Error("boom");
    };
    const saver = new MemorySaver();
    const deps = await agentDeps(store, ill(), { failpoint });
    await expect(investigate(deps, "inc_error", "it opened", saver)).rejects.toThrow("boom");
    await investigate(await agentDeps(store, ill()), "inc_error", "it opened", saver);
    expect(await stateOf(store, "inc_error")).toBe("mitigating");
  });
});

describe("where a job starts", () => {
  test.each([
    ["open", undefined, { kind: "begin", round: 1 }],
    ["investigating", { round: 1, finishedAt: undefined }, { kind: "resume", round: 1 }],
    ["mitigating", { round: 1, finishedAt: undefined }, { kind: "resume", round: 1 }],
    ["mitigating", { round: 1, finishedAt: "2026-01-01T00:00:00Z" }, { kind: "nothing", reason: "round 1 is finished" }],
    ["resolved", { round: 1, finishedAt: "2026-01-01T00:00:00Z" }, { kind: "nothing", reason: "round 1 is finished" }],
    ["closed", undefined, { kind: "nothing", reason: "it is closed" }],
    ["escalated", { round: 1, finishedAt: undefined }, { kind: "nothing", reason: "it is escalated" }],
  ] as const)("%s with %j", (state, latest, start) => {
    expect(decideStart({ state }, latest)).toEqual(start);
  });
});
