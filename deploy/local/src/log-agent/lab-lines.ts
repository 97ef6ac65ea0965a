import { type Following, repeat } from "./repeat.ts";

/** What the lab's `GET /v1/logs` answers with; `at` is in Unix seconds. */
export interface LabLine {
  readonly at: number;
  readonly service: string;
  readonly level: string;
  readonly message: string;
}

export interface LabLinesOptions {
  readonly labUrl: string;
  /** From when on, in Unix seconds. */
  readonly from: number;
  readonly onLine: (line: LabLine) => void;
  /** More lines came between two questions than one answer holds. */
  readonly onGap: () => void;
  readonly everyMs?: number;
}

const LIMIT = 10_000;
/** A line may reach the lab this much later than it was written, in seconds: its writer was paused, the lab was busy. */
const LATE_SECONDS = 5;

/** Asks the lab again and again for what its services have printed. Each line is handed over once. */
export function followLab({ labUrl, from, onLine, onGap, everyMs = 1_000 }: LabLinesOptions): Following {
  let since = from;
  /** What was handed over of the time that is asked for again, and how often: two lines may be alike. */
  let seen = new Map<string, number>();

  async function read(): Promise<void> {
    let items: readonly LabLine[];
    try {
      const url = `${labUrl}/v1/logs?from=${since}&limit=${LIMIT}`;
      const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) });
      if (!answer.ok) return;
      ({ items } = (await answer.json()) as { items: readonly LabLine[] });
    } catch {
      return; // it starts or restarts; what it prints meanwhile, it keeps
    }
    const isFull = items.length >= LIMIT;
    const before = new Map(seen);
    for (const line of items) {
      const known = before.get(keyOf(line)) ?? 0;
      if (known > 0) before.set(keyOf(line), known - 1);
      else onLine(line);
    }
    // The newest are in a full answer: that something of before is not among them means that lines between are not, either.
    if (isFull && items[0] !== undefined && items[0].at > since + LATE_SECONDS) onGap();
    const newest = items.at(-1)?.at ?? since;
    since = Math.max(since, newest - LATE_SECONDS);
    seen = new Map();
    for (const line of items) if (line.at >= since) seen.set(keyOf(line), (seen.get(keyOf(line)) ?? 0) + 1);
  }

  return repeat(read, everyMs);
}

const keyOf = ({ at, service, level, message }: LabLine): string => `${at} ${service} ${level} ${message}`;
