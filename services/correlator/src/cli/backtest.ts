// `npm run backtest -- --from 7d --rules new.yaml`: what would have been different with other rules. `--lint new.yaml` only checks a file.
// The history is what the store has; nothing is written. Exit code 1 when a rule file has problems.
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { type Alert, Topology } from "@tocsin/contracts";
import { compileGraph, DEFAULT_CORRELATION, type Suppressor } from "@tocsin/correlation";
import { messageOf, silentLogger } from "@tocsin/runtime";
import { readTopologyFile } from "@tocsin/signals";
import { openStore, transitionsBetween } from "@tocsin/store";
import { compare, report } from "../backtest/compare.ts";
import { type Replay, replay } from "../backtest/replay.ts";
import { type Rules, readRules } from "../rule-file.ts";

const USAGE = `usage: npm run backtest -- --from 7d --rules new.yaml [options]
       npm run backtest -- --lint new.yaml

  --from 7d|36h|TIME     how far back, or since when
  --to TIME              until when; default now
  --rules FILE           the rules to try
  --baseline FILE        the rules to compare with; default $TOCSIN_CORRELATOR_RULES_FILE, else the shipped ones
  --topology FILE|URL    who calls whom; default $TOCSIN_TOPOLOGY_FILE; a URL is a running Tocsin's /api/v1/topology
  --store URL            default $TOCSIN_STORE_URL, else embedded:./.data/store (which no running Tocsin may have open)
  --close-after SECONDS  when a quiet incident closes; default 300
  --json                 print the whole difference as JSON
`;
const say = (text: string): void => void process.stderr.write(`${text}\n`);
class Usage extends Error {}

async function rulesIn(file: string): Promise<Rules | undefined> {
  const read = readRules(await readFile(file, "utf8"));
  if (read.kind === "read") return read.rules;
  for (const { line, column, text } of read.problems) say(`${file}:${line}:${column}: ${text}`);
  return undefined;
}

function momentOf(text: string, now: number): number {
  const ago = /^(\d+)([smhdw])$/.exec(text);
  const unit = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
  const at = ago ? now - Number(ago[1]) * unit[ago[2] as keyof typeof unit] : Date.parse(text);
  if (Number.isNaN(at)) throw new Usage(`"${text}" is neither like 7d nor a time`);
  return at;
}

async function topologyOf(where: string | undefined): Promise<Topology> {
  if (where === undefined) return { services: [] };
  if (!/^https?:\/\//.test(where)) return readTopologyFile(where);
  const token = process.env["TOCSIN_API_TOKEN"];
  const answer = await fetch(where, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(10_000),
  });
  if (!answer.ok) throw new Error(`${where} answered ${answer.status}`);
  return Topology.parse(await answer.json());
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      from: { type: "string" },
      to: { type: "string" },
      rules: { type: "string" },
      baseline: { type: "string" },
      topology: { type: "string" },
      store: { type: "string" },
      "close-after": { type: "string", default: "300" },
      lint: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    say(USAGE);
    return 0;
  }
  if (values.lint !== undefined) {
    if ((await rulesIn(values.lint)) === undefined) return 1;
    say(`${values.lint}: ok`);
    return 0;
  }
  if (values.from === undefined || values.rules === undefined) throw new Usage("--from and --rules are needed");
  const now = Date.now();
  const window = { fromMs: momentOf(values.from, now), toMs: values.to === undefined ? now : momentOf(values.to, now) };
  const closeAfterMs = Number(values["close-after"]) * 1_000;
  if (!(closeAfterMs >= 0)) throw new Usage("--close-after is a number of seconds");
  const after = await rulesIn(values.rules);
  const baseline = values.baseline ?? process.env["TOCSIN_CORRELATOR_RULES_FILE"];
  const before = baseline === undefined ? { correlation: DEFAULT_CORRELATION, suppress: [] } : await rulesIn(baseline);
  if (before === undefined || after === undefined) return 1;
  const topology = await topologyOf(values.topology ?? process.env["TOCSIN_TOPOLOGY_FILE"]);
  if (topology.services.length === 0) say("no topology given: both runs correlate without one");

  const store = await openStore({ url: values.store ?? (process.env["TOCSIN_STORE_URL"] || "embedded:./.data/store"), log: silentLogger });
  try {
    const history: Alert[] = [];
    const heldBack = new Map<unknown, string>();
    for await (const page of transitionsBetween(store.sql, window))
      for (const { alert, outcome, reason } of page) {
        history.push(alert);
        if (outcome === "suppressed" && /^(silence|maintenance):/.test(reason)) heldBack.set(alert, reason);
      }
    const asItWas: Suppressor = (alert) => {
      const reason = heldBack.get(alert);
      return reason === undefined
        ? undefined
        : { rule: reason.slice(0, reason.indexOf(": ")), text: reason.slice(reason.indexOf(": ") + 2) };
    };
    const run = (rules: Rules): Replay => {
      const { maxHops, hubDependents } = rules.correlation;
      return replay(history, { rules, graph: compileGraph(topology, maxHops, hubDependents), asItWas, closeAfterMs });
    };
    const comparison = compare(history, run(before), run(after));
    process.stdout.write(values.json ? `${JSON.stringify(comparison)}\n` : report(comparison));
    return 0;
  } finally {
    await store.close();
  }
}

process.exitCode = await main().catch((error: unknown) => {
  const isUsage = error instanceof Usage || (error as { code?: string }).code?.startsWith("ERR_PARSE_ARGS") === true;
  say(isUsage ? `${messageOf(error)}\n\n${USAGE}` : messageOf(error));
  return 2;
});
