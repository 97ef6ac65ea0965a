// `npm run eval -- correlation`: how right the incidents are, beside two baselines, on incidents that nobody here wrote.
import { existsSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Alert } from "@tocsin/contracts";
import { compileGraph, correlate, createWorkingSet, DEFAULT_CORRELATION } from "../src/index.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { type Mix, mix, readScenarios, type Scenario, seeded } from "./scenarios.ts";

const SUITE = "correlation";
const root = fileURLToPath(new URL("../../..", import.meta.url));
const folder = join(process.env["TOCSIN_EVAL_DATA"] ?? join(root, "../shared/data"), "itbench");
const seeds = (process.env["TOCSIN_EVAL_SEEDS"] ?? "1,2,3").split(",").map(Number);
const mixesPerSeed = Number(process.env["TOCSIN_EVAL_MIXES"] ?? 150);

const say = (record: object): void => void process.stdout.write(`${JSON.stringify(record)}\n`);

interface Grouping {
  /** By fingerprint. */
  readonly groupOf: ReadonlyMap<string, string>;
  /** The alert that looks like the root of each group, by fingerprint. */
  readonly rootOf: ReadonlyMap<string, string>;
}

function tocsin({ alerts, topology }: Mix): Grouping {
  const set = createWorkingSet("default", compileGraph(topology, DEFAULT_CORRELATION.maxHops, DEFAULT_CORRELATION.hubDependents));
  // Alerts come one after the other, as they fire: nothing is known of what comes later.
  for (const alert of [...alerts].sort((a, b) => a.startsAt.localeCompare(b.startsAt) || a.fingerprint.localeCompare(b.fingerprint)))
    correlate(set, [alert]);
  const groupOf = new Map([...set.alerts.values()].map((alert) => [alert.fingerprint, alert.incidentId as string]));
  const rootOf = new Map([...set.incidents.values()].map((incident) => [incident.id, incident.root?.fingerprint ?? ""]));
  return { groupOf, rootOf };
}

function baseline(keyOf: (alert: Alert) => string): (mixed: Mix) => Grouping {
  return ({ alerts }) => {
    const groupOf = new Map<string, string>();
    const rootOf = new Map<string, string>();
    for (const alert of [...alerts].sort((a, b) => a.startsAt.localeCompare(b.startsAt) || a.fingerprint.localeCompare(b.fingerprint))) {
      const key = keyOf(alert);
      groupOf.set(alert.fingerprint, key);
      // Neither baseline names a root: the first to fire stands for it.
      if (!rootOf.has(key)) rootOf.set(key, alert.fingerprint);
    }
    return { groupOf, rootOf };
  };
}

const SUBJECTS: Readonly<Record<string, (mixed: Mix) => Grouping>> = {
  tocsin,
  "alertmanager: alertname, namespace": baseline((alert) => `${alert.name}|${alert.labels["namespace"]}`),
  "5-minute windows": baseline((alert) => String(Math.floor(Date.parse(alert.startsAt) / 300_000))),
};

const VARIANTS = [
  ["application", "own"],
  ["application", "original"],
  ["opaque", "own"],
] as const;

interface Tally {
  truePairs: number;
  falsePairs: number;
  missedPairs: number;
  rootsRight: number;
  roots: number;
  incidents: number;
  expected: number;
  alerts: number;
  ms: number;
}

function score(
  mixed: Mix,
  scenarios: readonly Scenario[],
  { groupOf, rootOf }: Grouping,
  tally: Tally,
  wrong?: (line: string) => void,
): void {
  const fingerprints = [...mixed.truth.keys()];
  for (let i = 0; i < fingerprints.length; i++)
    for (let j = i + 1; j < fingerprints.length; j++) {
      const [a, b] = [fingerprints[i] as string, fingerprints[j] as string];
      const together = groupOf.get(a) === groupOf.get(b);
      const belong = mixed.truth.get(a) === mixed.truth.get(b);
      if (together && belong) tally.truePairs++;
      else if (together) tally.falsePairs++;
      else if (belong) tally.missedPairs++;
    }
  scenarios.forEach((scenario, index) => {
    const firstHit = mixed.firstHit[index] as ReadonlySet<string>;
    if (firstHit.size === 0) return;
    const counts = new Map<string, number>();
    for (const [fingerprint, of] of mixed.truth)
      if (of === index) counts.set(groupOf.get(fingerprint) as string, (counts.get(groupOf.get(fingerprint) as string) ?? 0) + 1);
    const main = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0]?.[0] as string;
    tally.roots++;
    const named = mixed.groups.get(rootOf.get(main) ?? "") ?? "";
    if (firstHit.has(named)) tally.rootsRight++;
    else wrong?.(`${scenario.name}: root ${named}, expected ${[...firstHit].map((id) => id).join(" ")}`);
    const lost = [...mixed.truth].filter(([fingerprint, of]) => of === index && groupOf.get(fingerprint) !== main);
    for (const [fingerprint] of lost)
      wrong?.(
        `${scenario.name}: lost ${mixed.alerts.find((alert) => alert.fingerprint === fingerprint)?.name} of ${mixed.groups.get(fingerprint)}`,
      );
  });
  tally.incidents += rootOf.size;
  tally.expected += scenarios.length;
  tally.alerts += fingerprints.length;
}

const rounded = (value: number): number => Math.round(value * 10_000) / 10_000;

function report(name: string, caseName: string, tally: Tally, n: number): void {
  const precision = tally.truePairs / Math.max(1, tally.truePairs + tally.falsePairs);
  const recall = tally.truePairs / Math.max(1, tally.truePairs + tally.missedPairs);
  const metrics: [string, number, string][] = [
    ["precision", precision, "ratio"],
    ["recall", recall, "ratio"],
    ["f1", (2 * precision * recall) / Math.max(1e-9, precision + recall), "ratio"],
    ["root_at_1", tally.rootsRight / Math.max(1, tally.roots), "ratio"],
    ["incidents_per_expected", tally.incidents / Math.max(1, tally.expected), "ratio"],
    ["alerts_per_incident", tally.alerts / Math.max(1, tally.incidents), "ratio"],
  ];
  for (const [metric, value, unit] of metrics) say({ suite: SUITE, case: caseName, subject: name, metric, value: rounded(value), unit, n });
  if (name === "tocsin")
    say({
      suite: SUITE,
      case: caseName,
      subject: name,
      metric: "time",
      value: rounded(tally.ms / Math.max(1, tally.alerts)),
      unit: "ms/alert",
      n,
    });
}

const fresh = (): Tally => ({
  truePairs: 0,
  falsePairs: 0,
  missedPairs: 0,
  rootsRight: 0,
  roots: 0,
  incidents: 0,
  expected: 0,
  alerts: 0,
  ms: 0,
});

function add(to: Tally, from: Tally): void {
  for (const key of Object.keys(to) as (keyof Tally)[]) to[key] += from[key];
}

function pick(scenarios: readonly Scenario[], count: number, random: () => number): Scenario[] {
  const left = [...scenarios];
  return Array.from({ length: Math.min(count, left.length) }, () => left.splice(Math.floor(random() * left.length), 1)[0] as Scenario);
}

function main(): void {
  if (!existsSync(folder)) {
    process.stderr.write(`no data at ${folder}: set TOCSIN_EVAL_DATA\n`);
    say({ suite: SUITE, case: "itbench", subject: "tocsin", metric: "absent", value: 1, unit: "data set", n: 0, folder });
    return;
  }
  const scenarios = readScenarios(folder);
  const usable = scenarios.filter(({ alerts }) => alerts.length >= 1);
  say({
    suite: SUITE,
    case: "setup",
    subject: "machine",
    metric: "cores",
    value: cpus().length,
    unit: "cores",
    n: usable.length,
    cpu: cpus()[0]?.model,
    node: process.version,
    seeds,
    mixesPerSeed,
    scenarios: usable.length,
    configuration: DEFAULT_CORRELATION,
  });
  const debug = process.env["TOCSIN_EVAL_WRONG"] === "1";
  const wrong = new Map<string, number>();
  const totals = new Map<string, Tally>();
  for (const [names, texts] of VARIANTS)
    for (const stepSeconds of [0, 10])
      for (const count of [2, 3])
        for (const offsetSeconds of [0, 30, 120]) {
          const tallies = new Map(Object.keys(SUBJECTS).map((name) => [name, fresh()]));
          for (const seed of seeds) {
            const random = seeded(seed * 1_000 + count);
            for (let i = 0; i < mixesPerSeed; i++) {
              const picked = pick(usable, count, random);
              const mixed = mix(picked, { offsetSeconds, seed: seed * 100_000 + i, stepSeconds, names, texts }, fingerprintOf);
              for (const [name, group] of Object.entries(SUBJECTS)) {
                const startedAt = performance.now();
                const grouping = group(mixed);
                const tally = tallies.get(name) as Tally;
                tally.ms += performance.now() - startedAt;
                score(
                  mixed,
                  picked,
                  grouping,
                  tally,
                  debug && name === "tocsin" ? (line) => wrong.set(line, (wrong.get(line) ?? 0) + 1) : undefined,
                );
              }
            }
          }
          for (const [name, tally] of tallies) {
            report(
              name,
              `itbench ${count} scenarios, offset ${offsetSeconds} s, step ${stepSeconds} s, ${names} names, ${texts} texts`,
              tally,
              seeds.length * mixesPerSeed,
            );
            const total = totals.get(name) ?? fresh();
            add(total, tally);
            totals.set(name, total);
          }
          process.stderr.write(
            `${count} scenarios, offset ${offsetSeconds} s, step ${stepSeconds} s, ${names} names, ${texts} texts: done\n`,
          );
        }
  for (const [name, tally] of totals) report(name, "itbench all", tally, seeds.length * mixesPerSeed * 12 * VARIANTS.length);
  for (const [line, times] of [...wrong].sort((a, b) => b[1] - a[1]).slice(0, 60)) process.stderr.write(`${times} × ${line}\n`);
}

main();
