// `npm run replay -- --incident ID --llm URL`: an old incident's rounds once more, from what was gathered then, with another model. Prints what would
// have been different and what it cost; writes nothing to the store.
import { parseArgs } from "node:util";
import type { Diagnosis } from "@tocsin/contracts";
import { memoryLedger, openAdviser } from "@tocsin/llm";
import { messageOf, silentLogger, systemClock } from "@tocsin/runtime";
import { diagnosisOf, investigationsOf, openStore, readGathered, viewIncident } from "@tocsin/store";
import { Registry } from "prom-client";
import { loadPrompts } from "../advice/prompts.ts";
import type { Stored } from "../advice/reason.ts";
import { standingOf } from "../advice/standing.ts";
import { evidenceIds } from "../evidence-ids.ts";
import type { Gathered } from "../gathering.ts";
import type { Outcome } from "../outcome.ts";
import { differences, differenceText } from "../replay/difference.ts";
import { replayRound } from "../replay/replay-round.ts";

const USAGE = `usage: npm run replay -- --incident ID --llm URL [options]

  --incident ID          whose rounds are gone through again
  --llm URL              as TOCSIN_LLM_URL, e.g. ollama:http://127.0.0.1:11434#qwen3 or scripted:FILE; none: shows what there is without one
  --model NAME           as TOCSIN_LLM_MODEL; the key is read from TOCSIN_LLM_API_KEY or the provider's own variable
  --store URL            default $TOCSIN_STORE_URL, else embedded:./.data/store (which no running Tocsin may have open)
  --round N              only this round
  --below CONFIDENCE     ask only below this confidence; default 1: always
  --timeout SECONDS      for each call; default 120
  --json                 one JSON object a round
`;
class Usage extends Error {}
const print = (text: string): void => void process.stdout.write(`${text}\n`);

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      incident: { type: "string" },
      llm: { type: "string" },
      model: { type: "string" },
      store: { type: "string" },
      round: { type: "string" },
      below: { type: "string", default: "1" },
      timeout: { type: "string", default: "120" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    print(USAGE);
    return 0;
  }
  const { incident: id, llm } = values;
  if (id === undefined || llm === undefined) throw new Usage("--incident and --llm are needed");
  const store = await openStore({ url: values.store ?? process.env["TOCSIN_STORE_URL"] ?? "embedded:./.data/store", log: silentLogger });
  try {
    const incident = await viewIncident(store.sql, id);
    if (!incident) throw new Usage(`there is no incident ${id}`);
    const latest = await diagnosisOf(store.sql, id);
    const rounds = (await investigationsOf<unknown, Outcome>(store.sql, id)).filter(
      ({ round, hasGathered }) => hasGathered && (values.round === undefined || round === Number(values.round)),
    );
    if (rounds.length === 0) throw new Usage(`${id} has kept no such round`);
    const apiKey = process.env["TOCSIN_LLM_API_KEY"];
    const adviser = await openAdviser({
      url: llm,
      ...(values.model === undefined ? {} : { model: values.model }),
      ...(apiKey === undefined ? {} : { apiKey }),
      // Its own ledger: what a replay costs is not the incident's.
      ledger: memoryLedger(),
      log: silentLogger,
      clock: systemClock,
      registry: new Registry(),
      coolDownSeconds: 0,
    });
    const prompts = await loadPrompts();
    try {
      for (const row of rounds) {
        const gathered = await readGathered<Gathered>(store.sql, id, row.round);
        if (!gathered) continue;
        const replayed = await replayRound({
          gathered,
          mint: evidenceIds({ incidentId: id, round: row.round }),
          adviser,
          prompts,
          account: { callId: `replay:${id}:${row.round}`, incidentId: id, tenant: "replay" },
          adviseBelow: Number(values.below),
          deadlineMs: Number(values.timeout) * 1_000,
          standing: standingOf(incident, row.outcome),
        });
        const advised = (row.advice as Stored | undefined)?.diagnosis;
        const was: Diagnosis | undefined = advised ?? (row === rounds.at(-1) ? latest : undefined) ?? replayed.without;
        const lines = differences({ diagnosis: was, narration: row.narration }, replayed);
        const thoughts = replayed.reasoned.sayings.map(({ kind, text }) => ({ kind, text }));
        const { calls, costUsd, dropped } = replayed;
        if (values.json)
          print(
            JSON.stringify({ incident: id, round: row.round, llm, differences: lines, thoughts, calls, costUsd, dropped: dropped.length }),
          );
        else {
          print(`round ${row.round} of ${id}: "${incident.title}"`);
          for (const { kind, text } of thoughts) print(`  ${kind}: ${text}`);
          print(differenceText(lines));
          print(
            `cost: ${calls} ${calls === 1 ? "call" : "calls"}, ${costUsd.toFixed(4)} USD; ${dropped.length} sentences did not stand the check\n`,
          );
        }
      }
    } finally {
      await adviser.close();
    }
    return 0;
  } finally {
    await store.close();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(error instanceof Usage ? `${error.message}\n\n${USAGE}` : `replay: ${messageOf(error)}\n`);
  process.exitCode = error instanceof Usage ? 2 : 1;
}
