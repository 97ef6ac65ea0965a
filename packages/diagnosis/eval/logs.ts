// `npm run eval -- logs`: does the miner put together what one log statement wrote, and nothing else? Measured by grouping accuracy (Zhu et al.,
// ICSE-SEIP 2019: the share of lines whose whole group is right) and by pairs.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { createTemplateMiner, type TemplateMiner } from "../src/templates.ts";
import { readRecords } from "./datasets/csv.ts";
import { labelledLines } from "./datasets/labelled-lines.ts";
import { dataFolder, rounded, say, sayMachine } from "./datasets/report.ts";

const SUITE = "logs";
sayMachine(SUITE, { similarity: 0.4, depth: 3, maxChildren: 100, maxTemplates: 5_000 });

interface Labelled {
  /** Which statement wrote it. */
  readonly label: string;
  /** A miner sees the lines of one service, as it does in the product; absent: all lines are of one. */
  readonly service?: string;
  readonly message: string;
}

function judge(name: string, lines: readonly Labelled[]): void {
  if (lines.length === 0) return;
  const miners = new Map<string, TemplateMiner>();
  const began = performance.now();
  const ids = lines.map(({ message, service = "" }) => {
    let miner = miners.get(service);
    if (!miner) {
      miner = createTemplateMiner();
      miners.set(service, miner);
    }
    return `${service}#${miner.add(message).id}`;
  });
  const ms = performance.now() - began;
  const sizeOf = (keys: Iterable<string>) => {
    const sizes = new Map<string, number>();
    for (const key of keys) sizes.set(key, (sizes.get(key) ?? 0) + 1);
    return sizes;
  };
  // One statement in two services is two: nobody compares them.
  const labelOf = ({ label, service = "" }: Labelled) => `${service}#${label}`;
  const labels = sizeOf(lines.map(labelOf));
  const groups = sizeOf(ids);
  const both = sizeOf(lines.map((line, index) => `${labelOf(line)}\u0000${ids[index]}`));
  let right = 0;
  let pairs = 0;
  for (const [key, count] of both) {
    const [label = "", id = ""] = key.split("\u0000");
    if (labels.get(label) === count && groups.get(id) === count) right += count;
    pairs += (count * (count - 1)) / 2;
  }
  const pairsOf = (sizes: Map<string, number>) => [...sizes.values()].reduce((sum, count) => sum + (count * (count - 1)) / 2, 0);
  const precision = pairs / Math.max(1, pairsOf(groups));
  const recall = pairs / Math.max(1, pairsOf(labels));
  const base = { suite: SUITE, case: name, subject: "tocsin", n: lines.length };
  say({ ...base, metric: "grouping accuracy", value: rounded(right / lines.length), unit: "ratio" });
  say({ ...base, metric: "pair precision", value: rounded(precision), unit: "ratio" });
  say({ ...base, metric: "pair recall", value: rounded(recall), unit: "ratio" });
  say({ ...base, metric: "pair F1", value: rounded((2 * precision * recall) / Math.max(1e-9, precision + recall)), unit: "ratio" });
  say({ ...base, metric: "templates", value: groups.size, unit: "count", truth: labels.size });
  say({ ...base, metric: "rate", value: Math.round((lines.length / ms) * 1_000), unit: "lines/s" });
}

/** In Nezha's lines the logger names class and line of the statement (`o.s.OrderServiceImpl#361`): the truth. The miner does not get to see it. */
function nezhaLines(folder: string): Map<string, Labelled[]> {
  const systems = new Map<string, Labelled[]>();
  for (const system of ["TrainTicket", "OnlineBoutique"]) {
    const days = join(folder, system);
    for (const day of existsSync(days) ? readdirSync(days).sort() : []) {
      for (const part of ["normal", "fault"]) {
        const below = join(days, day, part);
        for (const file of existsSync(below) ? readdirSync(below).sort() : []) {
          if (!file.endsWith("_log.csv.gz")) continue;
          for (const row of readRecords(join(below, file))) {
            const parsed = /^\S+\s+\w+\s+([\w.$]+#\d+)\s+(?:TraceID: \S+ SpanID: \S+ )?(.*)$/s.exec(row["Message"] ?? "");
            if (!parsed) continue;
            const list = systems.get(system) ?? [];
            systems.set(system, list);
            // `ts-order-service-5b67c48447-fj8b7` is a pod of ts-order-service.
            const service = (row["PodName"] ?? "").replace(/-[0-9a-f]+-[0-9a-z]{5}$/, "");
            list.push({ label: parsed[1] as string, message: parsed[2] as string, service });
          }
        }
      }
    }
  }
  return systems;
}

judge("own fixtures", labelledLines());
const folder = dataFolder("nezha");
if (folder !== undefined)
  for (const [system, lines] of nezhaLines(folder)) {
    judge(`nezha ${system}, a miner for each service`, lines);
    judge(
      `nezha ${system}, all lines in one`,
      lines.map(({ label, message }) => ({ label, message })),
    );
  }
