// Terms. A *process fault* lives in the process alone and dies with it: a leak, a leaking pool, a spinning loop, a
// deadlock. *Noise* is no fault: it breaks nothing and stays below every alert, and misleads whoever looks for one. What a release or a configuration brings (`--defect-ratio`, `--backend-url`) survives a restart and is no process fault.
import type { Output } from "./output.ts";
import type { Pool } from "./pool.ts";

export const PROCESS_FAULTS = ["memory-leak", "latency", "hang", "cpu-spin", "noise"] as const;
export type ProcessFault = (typeof PROCESS_FAULTS)[number];
export const isProcessFault = (name: unknown): name is ProcessFault => (PROCESS_FAULTS as readonly unknown[]).includes(name);

export interface FaultState {
  /** Extra time that each query holds its connection, in milliseconds. */
  readonly slowQueryMs: number;
  /** Most that a query takes longer by chance, in milliseconds. */
  readonly jitterMs: number;
  /** What every request has to walk through because nothing is ever thrown away. */
  readonly retained: readonly Buffer[];
  active(): readonly ProcessFault[];
  inject(fault: ProcessFault, seconds: number): void;
  clear(): void;
}

/** 1.5 MB each quarter of a second: a leak that a person would notice within a minute, not within a blink. */
const LEAK_BYTES = 1_500_000;
const LEAK_EVERY_MS = 250;
const LEAK_CAP_BYTES = 256_000_000;
/** The loop is taken for this long, then free for the next: about nine tenths of a core, and every request waits its turn. */
const SPIN_MS = 240;
const SPIN_PAUSE_MS = 20;
const LEAKED_CONNECTIONS = 8;
const SLOW_QUERY_MS = 300;
/** Of noise: a sixth of a core, queries up to 60 ms longer, four lines a second. The alerts begin at 0.4 cores and 300 ms. */
const NOISE_WORK_MS = 40;
const NOISE_EVERY_MS = 250;
const NOISE_JITTER_MS = 60;

export function faultState(pool: Pool, output: Output): FaultState {
  const retained: Buffer[] = [];
  const stops = new Map<ProcessFault, () => void>();
  let slowQueryMs = 0;
  let jitterMs = 0;

  const starts: Record<ProcessFault, () => () => void> = {
    "memory-leak": () => {
      const timer = setInterval(() => {
        const held = retained.length * LEAK_BYTES;
        if (held >= LEAK_CAP_BYTES) return;
        retained.push(Buffer.alloc(LEAK_BYTES, retained.length & 0xff)); // filled, so that the pages are resident
        if (retained.length % 20 === 0)
          output.log("warn", `session cache holds ${retained.length * 40} entries, ${Math.round(held / 1e6)} MB; nothing was evicted`);
      }, LEAK_EVERY_MS);
      return () => {
        clearInterval(timer);
        retained.length = 0;
      };
    },
    latency: () => {
      pool.leak(LEAKED_CONNECTIONS);
      slowQueryMs = SLOW_QUERY_MS;
      return () => {
        pool.mend();
        slowQueryMs = 0;
      };
    },
    hang: () => () => {},
    "cpu-spin": () => {
      let timer: NodeJS.Timeout;
      const spin = () => {
        const until = performance.now() + SPIN_MS;
        let steps = 0;
        while (performance.now() < until) steps = (steps * 31 + 7) >>> 0;
        timer = setTimeout(spin, SPIN_PAUSE_MS + (steps & 1));
      };
      timer = setTimeout(spin, 0);
      const tell = setInterval(() => output.log("warn", "price rules did not settle after 1000000 passes, trying again"), 2_000);
      return () => {
        clearTimeout(timer);
        clearInterval(tell);
      };
    },
    noise: () => {
      jitterMs = NOISE_JITTER_MS;
      let round = 0;
      const timer = setInterval(() => {
        const until = performance.now() + NOISE_WORK_MS;
        let steps = 0;
        while (performance.now() < until) steps = (steps * 31 + 7) >>> 0;
        output.log(...(NOISE_LINES[round++ % NOISE_LINES.length] as NoiseLine)(steps % 1_000));
      }, NOISE_EVERY_MS);
      return () => {
        clearInterval(timer);
        jitterMs = 0;
      };
    },
  };

  return {
    get jitterMs() {
      return jitterMs;
    },
    get slowQueryMs() {
      return slowQueryMs;
    },
    retained,
    active: () => [...stops.keys()],
    inject(fault, seconds) {
      if (stops.has(fault)) return;
      const stop = starts[fault]();
      const expiry = setTimeout(() => end(), seconds * 1000);
      const end = () => {
        clearTimeout(expiry);
        stop();
        stops.delete(fault);
      };
      stops.set(fault, end);
      // After the answer to whoever asked has left the process.
      if (fault === "hang") setTimeout(() => deadlock(seconds, end), 100);
    },
    clear() {
      for (const end of [...stops.values()]) end();
    },
  };
}

type NoiseLine = (n: number) => ["warn" | "error", string];
/** What a healthy service complains of: loud, and nothing that anybody waits for. */
const NOISE_LINES: readonly NoiseLine[] = [
  (n) => ["warn", `exchange rates are ${n} ms late, using the last known ones`],
  (n) => ["warn", `deprecated field "region" in ${n} documents`],
  (n) => ["error", `usage report ${n} not delivered, it is sent with the next one`],
  (n) => ["warn", `recommendation model answered after ${n} ms, showing bestsellers`],
];

/**
 * Blocks the event loop without using the CPU, as a lock taken twice does: nothing is answered, no signal handler runs.
 * Looks up twice a second whether its parent is gone, so that it never outlives a killed supervisor.
 */
function deadlock(seconds: number, end: () => void): void {
  const lock = new Int32Array(new SharedArrayBuffer(4));
  const parent = process.ppid;
  const until = performance.now() + seconds * 1000;
  while (performance.now() < until) {
    Atomics.wait(lock, 0, 0, 500);
    if (process.ppid !== parent) process.exit(1);
  }
  end();
}
