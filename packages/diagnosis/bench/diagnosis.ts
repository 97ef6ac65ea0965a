// `npm run bench -- diagnosis`: a large incident on one core, and the template miner by itself.
import { cpus } from "node:os";
import type { LogLine, Sample, SignalName, SignalSeries, Span } from "@tocsin/contracts";
import { diagnose } from "../src/diagnose.ts";
import type { DiagnosisInput } from "../src/input.ts";
import { SIGNAL_TRAITS } from "../src/signal-traits.ts";
import { createTemplateMiner } from "../src/templates.ts";

const SUITE = "diagnosis";
const SERVICES = 100;
const SIGNALS = 12;
const POINTS = 60;
const LINES = 20_000;
const SPANS = 5_000;
const ROUNDS = 15;
const MINED = 2_000_000;

const say = (record: object): void => void process.stdout.write(`${JSON.stringify(record)}\n`);
say({
  suite: SUITE,
  node: process.version,
  cpu: cpus()[0]?.model ?? "unknown",
  cores: cpus().length,
  config: { SERVICES, SIGNALS, POINTS, LINES, SPANS, ROUNDS },
});

let state = 42;
const random = (): number => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 2 ** 32;
};
const name = (index: number): string => `service-${String.fromCharCode(97 + (index % 26))}${Math.floor(index / 26)}`;
const FROM = 1_780_000_000;
const STEP = 15;
const SPLIT = FROM + 45 * STEP;
const TO = FROM + POINTS * STEP;

/** A tree of services; number 37 is slow and fails, and everything above it with it. */
function largeInput(): DiagnosisInput {
  const parentOf = (index: number) => (index === 0 ? -1 : Math.floor((index - 1) / 3));
  const ill = new Set<number>();
  for (let index = 37; index >= 0; index = parentOf(index)) ill.add(index);
  const names = Object.keys(SIGNAL_TRAITS) as SignalName[];
  const series: SignalSeries[] = [];
  for (let index = 0; index < SERVICES; index++) {
    for (let n = 0; n < SIGNALS; n++) {
      const signal = names[n % names.length] as SignalName;
      const isHurt = ill.has(index) && (signal === "latency_p95" || signal === "error_ratio");
      const samples = Array.from({ length: POINTS }, (_, point): Sample => {
        const at = FROM + point * STEP;
        const normal = signal === "up" ? 1 : signal === "error_ratio" || signal === "restarts" ? 0 : 0.5 + 0.02 * random();
        return [at, isHurt && at >= SPLIT ? normal + 0.6 : normal];
      });
      series.push({ service: name(index), signal, samples, query: `${signal}{service="${name(index)}"}` });
    }
  }
  const logs = Array.from({ length: LINES }, (_, index): LogLine => {
    const at = FROM + (index / LINES) * (TO - FROM);
    return { at, service: name(index % SERVICES), level: index % 50 === 0 ? "warn" : "info", message: lineOf(index) };
  });
  const spans = Array.from({ length: SPANS }, (_, index): Span => {
    const place = index % 5;
    const isRoot = place === 0;
    return {
      traceId: `t${Math.floor(index / 5)}`,
      spanId: `s${index}`,
      ...(isRoot ? {} : { parentSpanId: `s${index - 1}` }),
      service: name((Math.floor(index / 5) + place) % SERVICES),
      name: `GET /thing/${place}`,
      startAt: FROM + (index / SPANS) * (TO - FROM),
      durationMs: 100 - place * 15 + 5 * random(),
      error: false,
    };
  });
  return {
    window: { from: FROM, splitAt: SPLIT, to: TO },
    members: [
      {
        fingerprint: "0",
        name: "HighErrorRatio",
        service: name(0),
        severity: "critical",
        role: "root",
        startsAt: new Date(SPLIT * 1_000).toISOString(),
        annotations: {},
      },
    ],
    series,
    logs,
    spans,
    edges: { baseline: [], incident: [] },
    topology: {
      services: Array.from({ length: SERVICES }, (_, index) => ({
        id: name(index),
        dependsOn: Array.from({ length: SERVICES }, (__, other) => other)
          .filter((other) => parentOf(other) === index)
          .map(name),
        labels: {},
      })),
    },
    changes: [],
    missing: [],
    now: TO,
    evidenceId: (content) => content,
  };
}

function lineOf(index: number): string {
  const kinds = [
    `request ${(index * 7_919).toString(16)} took ${index % 900} ms from 10.0.${index % 250}.${index % 200}`,
    `order ${index} placed by customer ${index % 1_000}`,
    `call to ${name(index % 20)} answered ${200 + (index % 3)} after ${index % 70} ms`,
    `cache holds ${index % 5_000} entries, ${index % 90} MB`,
    `retrying, attempt ${index % 5} of 5: connection reset by peer`,
    `2026-11-21T10:${index % 60}:${index % 60}.${index % 1_000}Z worker ${index % 16} finished job ${index * 31}`,
    `GET /api/v1/things/${index} HTTP/1.1 200 ${index % 4_000}`,
  ];
  return kinds[index % kinds.length] as string;
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;

const input = largeInput();
const { diagnosis } = diagnose(input);
process.stderr.write(`found ${diagnosis.causes[0]?.service} (${name(37)} was hurt)\n`);
const times: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  const began = performance.now();
  diagnose(input);
  times.push(performance.now() - began);
}
const base = { suite: SUITE, subject: "tocsin" };
const shape = `${SERVICES} services × ${SIGNALS} signals × ${POINTS} points, ${LINES} lines, ${SPANS} spans`;
say({ ...base, case: shape, metric: "diagnosis p50", value: Math.round(median(times) * 10) / 10, unit: "ms", n: ROUNDS });
say({ ...base, case: shape, metric: "diagnosis max", value: Math.round(Math.max(...times) * 10) / 10, unit: "ms", n: ROUNDS });
say({ ...base, case: shape, metric: "right cause first", value: diagnosis.causes[0]?.service === name(37) ? 1 : 0, unit: "ratio", n: 1 });

const sample = Array.from({ length: 50_000 }, (_, index) => lineOf(index));
const collect = (globalThis as { gc?: () => void }).gc;
const rates: number[] = [];
for (let round = 0; round < 5; round++) {
  const miner = createTemplateMiner();
  collect?.();
  const began = performance.now();
  for (let taken = 0; taken < MINED; taken += sample.length) for (const line of sample) miner.add(line);
  rates.push((MINED / (performance.now() - began)) * 1_000);
}
say({ ...base, case: `${MINED} lines`, metric: "template mining p50", value: Math.round(median(rates)), unit: "lines/s", n: rates.length });

// Memory: endless ever-new words, which no template can hold for ever.
collect?.();
const before = process.memoryUsage().heapUsed;
const crowded = createTemplateMiner();
const word = (n: number) => [...String(n)].map((digit) => "abcdefghij"[Number(digit)]).join("");
for (let index = 0; index < 300_000; index++) crowded.add(`${word(index)} ${word(index * 3)} ${word(index * 7)} ${word(index * 11)}`);
collect?.();
const grown = process.memoryUsage().heapUsed - before;
say({ ...base, case: "300000 lines without a template", metric: "templates kept", value: crowded.templates().length, unit: "count", n: 1 });
if (collect)
  say({ ...base, case: "300000 lines without a template", metric: "memory", value: Math.round(grown / 1e5) / 10, unit: "MB", n: 1 });
