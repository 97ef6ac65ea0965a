// `npm run eval -- diagnosis`: how often the true cause ranks first, beside published results, one configuration for every case.
import { diagnose } from "../src/diagnose.ts";
import type { DiagnosisInput } from "../src/input.ts";
import { RANKING_WEIGHTS } from "../src/rank.ts";
import { nezhaCases } from "./datasets/nezha.ts";
import { petshopCases } from "./datasets/petshop.ts";
import { dataFolder, rounded, say, sayMachine } from "./datasets/report.ts";

const SUITE = "diagnosis";
sayMachine(SUITE, { weights: RANKING_WEIGHTS, leastScore: 1.6, leastConfidence: 0.45 });

/** Counts by case of how deep the truth was found. */
class Tally {
  readonly #byCase = new Map<string, { n: number; within: Map<number, number>; answered: number; answeredRight: number; ms: number }>();
  readonly #depths: readonly number[];
  readonly #metric: string;
  readonly #subject: string;

  constructor(metric: string, depths: readonly number[], subject: string) {
    this.#metric = metric;
    this.#depths = depths;
    this.#subject = subject;
  }

  /** @param rank 1 for the first; 0 when it is not among the causes */
  add(name: string, rank: number, isAnswered: boolean, ms: number): void {
    const entry = this.#byCase.get(name) ?? { n: 0, within: new Map(), answered: 0, answeredRight: 0, ms: 0 };
    this.#byCase.set(name, entry);
    entry.n++;
    entry.ms += ms;
    for (const depth of this.#depths) if (rank >= 1 && rank <= depth) entry.within.set(depth, (entry.within.get(depth) ?? 0) + 1);
    if (isAnswered) {
      entry.answered++;
      if (rank === 1) entry.answeredRight++;
    }
  }

  report(): void {
    for (const [name, { n, within, answered, answeredRight, ms }] of [...this.#byCase].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const base = { suite: SUITE, case: name, subject: this.#subject, n };
      for (const depth of this.#depths)
        say({ ...base, metric: `${this.#metric}@${depth}`, value: rounded((within.get(depth) ?? 0) / n), unit: "ratio" });
      say({ ...base, metric: "answered", value: rounded(answered / n), unit: "ratio" });
      if (answered > 0)
        say({ ...base, metric: "right when answered", value: rounded(answeredRight / answered), unit: "ratio", n: answered });
      say({ ...base, metric: "time", value: rounded(ms / n), unit: "ms" });
    }
  }
}

const published = (name: string, subject: string, metric: string, value: number, n: string, source: string) =>
  say({ suite: SUITE, case: name, subject, metric, value, unit: "ratio", n, source });

function petshop(): void {
  const folder = dataFolder("petshop");
  if (folder === undefined) return;
  const tally = new Tally("recall", [1, 3], "tocsin");
  const quiet = new Map<string, { n: number; inconclusive: number }>();
  const calibration = new Map<number, { n: number; right: number; sum: number }>();
  for (const { traffic, metric, truth, input } of petshopCases(folder)) {
    const began = performance.now();
    const { diagnosis, details } = diagnose(input);
    const ms = performance.now() - began;
    const isAnswered = diagnosis.verdict === "cause";
    if (truth === undefined) {
      const entry = quiet.get(traffic) ?? { n: 0, inconclusive: 0 };
      quiet.set(traffic, entry);
      entry.n++;
      if (!isAnswered) entry.inconclusive++;
      continue;
    }
    const rank = details.ranking.findIndex(({ service }) => service === truth) + 1;
    tally.add(`petshop ${traffic} ${metric}`, rank, isAnswered, ms);
    const confidence = diagnosis.causes[0]?.confidence ?? 0;
    const bin = Math.floor(confidence * 5) / 5;
    const entry = calibration.get(bin) ?? { n: 0, right: 0, sum: 0 };
    calibration.set(bin, { n: entry.n + 1, right: entry.right + (rank === 1 ? 1 : 0), sum: entry.sum + confidence });
  }
  tally.report();
  for (const [traffic, { n, inconclusive }] of quiet)
    say({
      suite: SUITE,
      case: `petshop ${traffic} noissue`,
      subject: "tocsin",
      metric: "specificity",
      value: rounded(inconclusive / n),
      unit: "ratio",
      n,
    });
  for (const [bin, { n, right, sum }] of [...calibration].sort(([a], [b]) => a - b))
    say({
      suite: SUITE,
      case: `petshop confidence ${rounded(bin, 1)} to ${rounded(bin + 0.2, 1)}`,
      subject: "tocsin",
      metric: "right",
      value: rounded(right / n),
      unit: "ratio",
      n,
      confidence: rounded(sum / n),
    });
  const source = "petshop paper, all issues of each traffic; not the same subset";
  published("petshop low_traffic latency", "traversal", "recall@1", 0.8, "10", source);
  published("petshop low_traffic latency", "traversal", "recall@3", 0.8, "10", source);
  published("petshop high_traffic latency", "traversal", "recall@1", 0.9, "10", source);
  published("petshop high_traffic latency", "traversal", "recall@3", 0.9, "10", source);
  for (const traffic of ["low_traffic", "high_traffic"]) {
    published(`petshop ${traffic} latency`, "IDI", "recall@1", 0.9, "10", source);
    published(`petshop ${traffic} latency`, "IDI", "recall@3", 0.9, "10", source);
  }
}

/** What is left when a kind of source had not been there. */
const ABLATIONS: Readonly<Record<string, (input: DiagnosisInput) => DiagnosisInput>> = {
  tocsin: (input) => input,
  "tocsin without logs": (input) => ({ ...input, logs: [] }),
  "tocsin without metrics": (input) => ({ ...input, series: [], edgeSeries: [] }),
  "tocsin without traces": (input) => ({ ...input, operations: { baseline: [], incident: [] } }),
};

function nezha(): void {
  const folder = dataFolder("nezha");
  if (folder === undefined) return;
  const tallies = new Map(Object.keys(ABLATIONS).map((subject) => [subject, new Tally("AS", [1, 3, 5], subject)]));
  for (const { system, faultType, truth, input } of nezhaCases(folder)) {
    for (const [subject, without] of Object.entries(ABLATIONS)) {
      const began = performance.now();
      const { diagnosis, details } = diagnose(without(input));
      const ms = performance.now() - began;
      const rank = details.ranking.findIndex(({ service }) => service === truth) + 1;
      const tally = tallies.get(subject);
      tally?.add(`nezha ${system}`, rank, diagnosis.verdict === "cause", ms);
      if (subject === "tocsin") tally?.add(`nezha ${system} ${faultType}`, rank, diagnosis.verdict === "cause", ms);
    }
  }
  for (const tally of tallies.values()) tally.report();
  const train = "Nezha paper, all 45 TrainTicket faults; not the same subset";
  const boutique = "Nezha paper, OnlineBoutique";
  const row = (name: string, subject: string, values: readonly number[], n: string, source: string) =>
    values.forEach((value, index) => {
      published(name, subject, `AS@${[1, 3, 5][index]}`, value, n, source);
    });
  row("nezha TrainTicket", "Nezha", [0.867, 0.978, 0.978], "45", train);
  row("nezha TrainTicket", "Nezha without logs", [0.422], "45", train);
  row("nezha TrainTicket", "Nezha without metrics", [0.556], "45", train);
  row("nezha TrainTicket", "best other", [0.2, 0.311, 0.444], "45", train);
  row("nezha OnlineBoutique", "Nezha", [0.929, 0.964, 0.964], "56", boutique);
  row("nezha OnlineBoutique", "PDiagnose", [0.411, 0.732, 0.821], "56", boutique);
}

const began = performance.now();
petshop();
nezha();
say({
  suite: SUITE,
  case: "all",
  subject: "tocsin",
  metric: "run time",
  value: rounded((performance.now() - began) / 1_000, 1),
  unit: "s",
  n: 1,
});
