// Run as a process of its own: finishes the incidents begun before, then begins one and dies at the failpoint named. Says what became of all.
import { silentLogger } from "@tocsin/runtime";
import { openStore, viewIncident } from "@tocsin/store";
import { openCheckpoints } from "../src/checkpoints.ts";
import { investigate } from "../src/investigate.ts";
import { agentDeps, seedIncident, toldOf, wellSystem } from "./fakes.ts";

const [folder = "", failpoint = ""] = process.argv.slice(2);
const store = await openStore({ url: `embedded:${folder}`, log: silentLogger });
const checkpoints = await openCheckpoints(store, silentLogger);
const system = { ...wellSystem(), illFor: 60 };
const report: Record<string, unknown> = {};
const { rows } = await store.sql.query<{ id: string }>("SELECT id FROM incidents ORDER BY id");
const deps = await agentDeps(store, system);
for (const { id } of rows) {
  const readsBefore = system.reads;
  await investigate(deps, id, "it opened", checkpoints);
  const incident = await viewIncident(store.sql, id);
  report[id] = {
    state: incident?.state,
    runs: incident?.runs.length,
    told: (await toldOf(store, id)).map((each) => each.id),
    reads: system.reads - readsBefore,
  };
}
if (failpoint !== "") {
  const id = `inc_${failpoint}`;
  await seedIncident(store, id);
  const dying = await agentDeps(store, system, {
    failpoint: (name) => {
      if (name === failpoint) process.kill(process.pid, "SIGKILL");
    },
  });
  await investigate(dying, id, "it opened", checkpoints);
}
process.stdout.write(JSON.stringify(report));
await store.close();
process.exit(0);
