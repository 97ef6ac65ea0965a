// Run as a process of its own: finishes the incidents begun before, then begins one and dies at the failpoint named. Says what became of all.
import { appendFileSync } from "node:fs";
import { createAdviser, type LlmReply, scriptedLlm } from "@tocsin/llm";
import { silentLogger, systemClock } from "@tocsin/runtime";
import { latestInvestigation, llmLedger, openStore, viewIncident } from "@tocsin/store";
import { openCheckpoints } from "../src/checkpoints.ts";
import { investigate } from "../src/investigate.ts";
import { tell } from "../src/tell.ts";
import { agentDeps, seedIncident, toldOf, wellSystem } from "./fakes.ts";

const [folder = "", failpoint = "", paid = ""] = process.argv.slice(2);
const store = await openStore({ url: `embedded:${folder}`, log: silentLogger });
const checkpoints = await openCheckpoints(store, silentLogger);
const system = { ...wellSystem(), illFor: 60 };
const report: Record<string, unknown> = {};
const { rows } = await store.sql.query<{ id: string }>("SELECT id FROM incidents ORDER BY id");
// A model that is paid for each call: every one is a line in a file that outlives the process.
let about = "";
const fact = { text: "The error ratio of payments rose.", evidence: ["e1"] };
const model = scriptedLlm(({ prompt }) => {
  appendFileSync(paid, `${about} ${prompt.name}\n`);
  if (failpoint === "model:asked" && about === "inc_model:asked") process.kill(process.pid, "SIGKILL");
  if (prompt.name === "narrate") return { reply: { json: { short: fact, sentences: [fact] } } };
  return { reply: { json: { doubts: [{ candidate: "c1", because: "weak", evidence: ["e1"] }], order: [], contrast: ["q1"] } } };
});
const adviser = createAdviser({
  providers: [model],
  ledger: llmLedger<LlmReply>(store.sql),
  clock: systemClock,
  log: silentLogger,
  coolDownSeconds: 0,
});
const config = { adviseBelow: 1 };
const deps = await agentDeps(store, system, { adviser, config });
for (const { id } of rows) {
  const readsBefore = system.reads;
  about = id;
  await investigate(deps, id, "it opened", checkpoints);
  await tell(deps, id, 1);
  const incident = await viewIncident(store.sql, id);
  report[id] = {
    state: incident?.state,
    runs: incident?.runs.length,
    told: (await toldOf(store, id)).map((each) => each.id),
    confidence: incident?.causes[0]?.confidence,
    narrations: (incident?.analysis.match(/## In other words/g) ?? []).length,
    advised: (await latestInvestigation(store.sql, id))?.advice !== undefined,
    reads: system.reads - readsBefore,
  };
}
if (failpoint !== "") {
  const id = `inc_${failpoint}`;
  await seedIncident(store, id);
  about = id;
  const dying = await agentDeps(store, system, {
    adviser,
    config,
    failpoint: (name) => {
      if (name === failpoint) process.kill(process.pid, "SIGKILL");
    },
  });
  await investigate(dying, id, "it opened", checkpoints);
  await tell(dying, id, 1);
}
process.stdout.write(JSON.stringify(report));
await store.close();
process.exit(0);
