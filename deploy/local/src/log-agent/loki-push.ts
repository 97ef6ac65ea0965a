// Terms. A *stream* is all lines with the same labels. What is *waiting* has been handed over and not yet been taken by Loki; what is
// *dropped* was given up for want of room; what is *refused* Loki will never take.
import { setTimeout as delay } from "node:timers/promises";

/** One line on its way to Loki. */
export interface LogEntry {
  /** Of its stream: few values each, since every combination is a stream of its own. */
  readonly labels: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly text: string;
}

interface Waiting extends LogEntry {
  /** Nanoseconds since 1970. */
  readonly ns: string;
}

export interface PushCounts {
  readonly sent: number;
  readonly waiting: number;
  readonly dropped: number;
  readonly refused: number;
}

export interface LokiPush {
  add(entry: LogEntry): void;
  /** Less than half full: whoever reads from something that keeps its lines waits until then. */
  hasRoom(): boolean;
  counts(): PushCounts;
  /** Sends what waits, for at most `graceMs`; what is left then counts as dropped. */
  stop(graceMs: number): Promise<void>;
}

export interface LokiPushOptions {
  /** Base address, e.g. `http://127.0.0.1:3100`. */
  readonly url: string;
  /** What a person should know: that Loki takes nothing, that it does again, that lines were lost. */
  readonly tell: (line: string) => void;
  /** Most bytes of text that may wait. Default 8 MiB. */
  readonly maxBytes?: number;
  /** How long the first line of a batch waits for others. Default 500 ms. */
  readonly gatherMs?: number;
  /** First and longest pause after a failure, doubling in between. Default 500 and 30,000 ms. */
  readonly backOffMs?: readonly [first: number, longest: number];
}

const BATCH_LINES = 1_000;
const BATCH_BYTES = 512 * 1024;
const ANSWER_WITHIN_MS = 10_000;
/** A loss that goes on is told this often, in milliseconds. */
const TELL_EVERY_MS = 60_000;

/**
 * Sends lines to Loki's push API in batches and in order. When Loki is away or asks for patience (429, 5xx), the same batch is tried again
 * with growing pauses; meanwhile the oldest lines make room for newer ones once the buffer is full. What it refuses (4xx) is not repeated.
 */
export function createLokiPush(options: LokiPushOptions): LokiPush {
  const { tell, maxBytes = 8 * 1024 * 1024, gatherMs = 500, backOffMs = [500, 30_000] } = options;
  const url = `${options.url}/loki/api/v1/push`;
  let queue: Waiting[] = [];
  let queuedBytes = 0;
  let underWay = 0;
  let sent = 0;
  let dropped = 0;
  let refused = 0;
  let isAway = false;
  let running: Promise<void> | undefined;
  let told = { dropped: 0, at: Number.NEGATIVE_INFINITY };
  const stopped = new AbortController();
  const hurry = new AbortController();
  let serial = 0;

  function drop(count: number): void {
    dropped += count;
    if (performance.now() - told.at < TELL_EVERY_MS) return;
    tell(`logs: ${dropped - told.dropped} lines dropped, ${dropped} in all: ${maxBytes} bytes wait for Loki, and the oldest make room`);
    told = { dropped, at: performance.now() };
  }

  /** The oldest of what waits that fit into one request. They stay in the queue until Loki has taken them. */
  function nextBatch(): number {
    let bytes = 0;
    let count = 0;
    while (count < queue.length && count < BATCH_LINES) {
      bytes += bytesOf(queue[count] as Waiting);
      if (count > 0 && bytes > BATCH_BYTES) break;
      count++;
    }
    return count;
  }

  async function run(): Promise<void> {
    for (let pauseMs = backOffMs[0]; queue.length > 0 && !stopped.signal.aborted; ) {
      if (queue.length < BATCH_LINES) await pause(gatherMs, hurry.signal);
      // Out of the queue while it is under way: what makes room meanwhile must not be what is being sent.
      const batch = queue.splice(0, nextBatch());
      underWay = batch.length;
      const outcome = await post(url, bodyOf(batch), stopped.signal);
      underWay = 0;
      if (outcome.kind === "later") {
        if (!isAway) tell(`logs: Loki takes no lines (${outcome.reason}); they wait, and it is tried again`);
        isAway = true;
        queue = batch.concat(queue);
        makeRoom();
        await pause(pauseMs, stopped.signal);
        pauseMs = Math.min(backOffMs[1], pauseMs * 2);
        continue;
      }
      if (isAway) tell("logs: Loki takes lines again");
      isAway = false;
      pauseMs = backOffMs[0];
      queuedBytes -= batch.reduce((sum, entry) => sum + bytesOf(entry), 0);
      if (outcome.kind === "taken") sent += batch.length;
      else {
        const lost = Math.min(batch.length, outcome.lines ?? batch.length);
        sent += batch.length - lost;
        if (refused === 0) tell(`logs: Loki refuses ${lost} lines for good: ${outcome.reason}`);
        refused += lost;
      }
    }
  }

  function makeRoom(): void {
    let gone = 0;
    // The newest line stays, however long it is.
    while (queuedBytes > maxBytes && gone < queue.length - 1) queuedBytes -= bytesOf(queue[gone++] as Waiting);
    if (gone === 0) return;
    queue.splice(0, gone);
    drop(gone);
  }

  function begin(): void {
    running ??= run().finally(() => {
      running = undefined;
      if (queue.length > 0 && !stopped.signal.aborted) begin();
    });
  }

  return {
    add(entry) {
      if (stopped.signal.aborted) return void dropped++;
      // Lines of one millisecond keep their order, and two that are alike stay two, for Loki takes an entry of equal time and text for the same.
      // Given once, so that a batch sent again after a lost answer is the same batch.
      serial = (serial + 1) % 1_000_000;
      queue.push({ ...entry, ns: `${Math.round(entry.atMs)}${String(serial).padStart(6, "0")}` });
      queuedBytes += bytesOf(entry);
      makeRoom();
      begin();
    },
    hasRoom: () => queuedBytes < maxBytes / 2,
    counts: () => ({ sent, waiting: queue.length + underWay, dropped, refused }),
    async stop(graceMs) {
      hurry.abort();
      const hard = setTimeout(() => stopped.abort(), graceMs);
      while (running !== undefined) await running;
      clearTimeout(hard);
      stopped.abort();
      dropped += queue.length;
      queue = [];
    },
  };
}

/** What one line costs beside its text: its time and brackets in the request. */
const bytesOf = ({ text }: LogEntry): number => text.length + 32;

function bodyOf(entries: readonly Waiting[]): string {
  const streams = new Map<string, { stream: LogEntry["labels"]; values: [string, string][] }>();
  for (const { labels, ns, text } of entries) {
    const key = JSON.stringify(labels);
    const known = streams.get(key) ?? { stream: labels, values: [] };
    streams.set(key, known);
    known.values.push([ns, text]);
  }
  return JSON.stringify({ streams: [...streams.values()] });
}

type Outcome =
  | { readonly kind: "taken" }
  | { readonly kind: "later"; readonly reason: string }
  /** `lines`: how many of the batch, when Loki says so; it has taken the others. */
  | { readonly kind: "refused"; readonly reason: string; readonly lines: number | undefined };

async function post(url: string, body: string, signal: AbortSignal): Promise<Outcome> {
  try {
    const answer = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
    });
    const said = (await answer.text()).trim().slice(0, 300);
    if (answer.ok) return { kind: "taken" };
    const reason = `${answer.status} ${said}`;
    if (answer.status === 429 || answer.status >= 500) return { kind: "later", reason };
    const ignored = /total ignored: (\d+) out of \d+/.exec(said)?.[1];
    return { kind: "refused", reason, lines: ignored === undefined ? undefined : Number(ignored) };
  } catch (error) {
    const { cause, message } = error as Error & { cause?: { code?: string } };
    return { kind: "later", reason: cause?.code ?? message };
  }
}

const pause = (ms: number, until: AbortSignal): Promise<void> => delay(ms, undefined, { signal: until }).catch(() => {});
