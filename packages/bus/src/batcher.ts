import { busUnavailable } from "./errors.ts";
import type { WireRecord } from "./wire.ts";

interface Waiting {
  readonly records: readonly WireRecord[];
  readonly bytes: number;
  readonly settle: (error?: unknown) => void;
  givenUp: boolean;
}

export interface BatcherOptions {
  /** Makes the records durable, all or none as far as it can. @throws AppError with `retryable` */
  readonly write: (records: readonly WireRecord[]) => Promise<void>;
  /** Most records that go together, unless one publish alone has more. */
  readonly maxRecords: number;
  /** Most bytes that go together, unless one publish alone has more. */
  readonly maxBytes: number;
  /** How long a publish may wait in all, in milliseconds. Default: for as long as it takes. */
  readonly timeoutMs?: number;
}

export interface Batcher {
  send(records: readonly WireRecord[]): Promise<void>;
  /** Resolves when nothing is under way. */
  drained(): Promise<void>;
}

/** Most bytes that wait; then publishers are told to come again. */
const MAX_WAITING_BYTES = 67_108_864;

/**
 * What is published while a write is under way goes together into the next one. A lone publish waits for nobody; a hundred at once cost
 * two writes. The events of one publish stay together and in order.
 */
export function createBatcher({ write, maxRecords, maxBytes, timeoutMs }: BatcherOptions): Batcher {
  let queue: Waiting[] = [];
  let waitingBytes = 0;
  let isFlushing = false;
  let flushed: Promise<void> = Promise.resolve();

  async function attempt(batch: readonly Waiting[]): Promise<void> {
    try {
      await write(batch.flatMap((waiting) => waiting.records));
    } catch (error) {
      // One publisher's fault must not be the others': what will not get better by itself is tried apart.
      if (batch.length > 1 && (error as { retryable?: unknown }).retryable !== true) {
        for (const waiting of batch) await attempt([waiting]);
        return;
      }
      for (const waiting of batch) waiting.settle(error);
      return;
    }
    for (const waiting of batch) waiting.settle();
  }

  function nextBatch(): Waiting[] {
    let [count, records, bytes] = [0, 0, 0];
    for (const waiting of queue) {
      if (count > 0 && (records + waiting.records.length > maxRecords || bytes + waiting.bytes > maxBytes)) break;
      count += 1;
      records += waiting.records.length;
      bytes += waiting.bytes;
    }
    const batch = queue.slice(0, count);
    queue = queue.slice(count);
    waitingBytes -= bytes;
    return batch.filter((waiting) => !waiting.givenUp);
  }

  async function flush(): Promise<void> {
    while (queue.length > 0) {
      const batch = nextBatch();
      if (batch.length > 0) await attempt(batch);
    }
    // In the same turn in which the queue was seen empty: whoever publishes next starts a new round.
    isFlushing = false;
  }

  return {
    send(records) {
      const bytes = records.reduce((sum, record) => sum + record.bytes, 0);
      if (waitingBytes > 0 && waitingBytes + bytes > MAX_WAITING_BYTES)
        return Promise.reject(busUnavailable(`${waitingBytes} bytes are waiting to be published already`));
      return new Promise((resolve, reject) => {
        let timer: NodeJS.Timeout | undefined;
        const waiting: Waiting = {
          records,
          bytes,
          givenUp: false,
          settle(error) {
            clearTimeout(timer);
            if (error === undefined) resolve();
            else reject(error);
          },
        };
        if (timeoutMs !== undefined)
          timer = setTimeout(() => {
            waiting.givenUp = true;
            reject(busUnavailable(`no acknowledgement within ${timeoutMs} ms`));
          }, timeoutMs);
        queue.push(waiting);
        waitingBytes += bytes;
        if (isFlushing) return;
        isFlushing = true;
        flushed = flush();
      });
    },
    drained: () => flushed,
  };
}
