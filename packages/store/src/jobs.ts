import type { Queryable } from "@tocsin/runtime";

/** One piece of long work. */
export interface NewJob {
  readonly queue: string;
  /** Small: ids, not bodies. */
  readonly data: Readonly<Record<string, string>>;
  /** At most one waiting job of the queue carries the same key; a second one is dropped. */
  readonly singletonKey?: string;
  /** Not before this many seconds from now. Default 0. */
  readonly startAfterSeconds?: number;
}

export interface JobRun {
  readonly id: string;
  readonly data: Readonly<Record<string, string>>;
  /** 1 for the first try. */
  readonly attempt: number;
  /** Aborts at stop and when the lease is lost. */
  readonly signal: AbortSignal;
}

export interface WorkOptions {
  /** How many at a time in this process. Default 4. */
  readonly concurrency?: number;
  /** A job that is not done (nor its lease renewed by a living process) after this many seconds is given to another. Default 60. */
  readonly leaseSeconds?: number;
  /** Tries in all before the job is given up. Default 10, with exponential back-off. */
  readonly attempts?: number;
}

/** Told how each try of a job in this process ended; `given-up` was its last. */
export type OnJobWorked = (queue: string, outcome: "completed" | "retry" | "given-up") => void;

/** Jobs in Postgres, on pg-boss: sent in the caller's transaction, leased, retried. */
export interface Jobs {
  send(tx: Queryable, job: NewJob): Promise<void>;
  /** Starts to work a queue. @returns stops claiming and waits for the jobs under way */
  work(queue: string, options: WorkOptions, handle: (job: JobRun) => Promise<void>): Promise<() => Promise<void>>;
}
