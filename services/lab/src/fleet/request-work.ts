import { setTimeout as delay } from "node:timers/promises";
import type { Route } from "./fleet-map.ts";
import type { Output } from "./output.ts";
import type { PeerClient } from "./peer-client.ts";
import type { Pool } from "./pool.ts";
import type { FaultState } from "./process-fault.ts";
import type { TraceContext } from "./trace.ts";

export interface WorkContext {
  readonly backend: string;
  readonly pool: Pool;
  readonly client: PeerClient;
  readonly faults: FaultState;
  readonly output: Output;
  readonly random: () => number;
  readonly defectRatio: number;
}

const POOL_WAIT_MS = 1_000;
/** Kept back from the budget of a call, so that the answer "it took too long" still reaches the caller in time. */
const RESERVE_MS = 25;

/**
 * Serves one request: walks the session cache, queries the backend through the pool, makes the route's calls in order.
 *
 * @param deadlineAt on the scale of `performance.now()`
 * @returns the status to answer with
 */
export async function serve(route: Route, trace: TraceContext, deadlineAt: number, work: WorkContext): Promise<number> {
  const name = `${route.method} ${route.path}`;
  walk(work.faults.retained);
  if (work.random() < work.defectRatio) throw new TypeError("Cannot read properties of undefined (reading 'currency')");

  const waitFrom = performance.now();
  const release = await work.pool.take(Math.max(1, Math.min(POOL_WAIT_MS, deadlineAt - waitFrom)));
  const waitedMs = Math.round(performance.now() - waitFrom);
  const { pool, backend } = work;
  if (!release) {
    work.output.log("error", `${name}: no connection to the ${backend} within ${waitedMs} ms, pool ${pool.inUse}/${pool.size} in use`);
    return 503;
  }
  try {
    const queryMs =
      route.queryMs * (0.5 + work.random()) + work.faults.slowQueryMs * (0.9 + 0.2 * work.random()) + work.faults.jitterMs * work.random();
    await delay(queryMs);
    if (queryMs + waitedMs > 200)
      work.output.log(
        "warn",
        `${name}: slow query on the ${backend}: ${Math.round(queryMs)} ms, waited ${waitedMs} ms for one of ${pool.size} connections, ${pool.inUse} in use`,
      );
  } finally {
    release();
  }

  for (const call of route.calls) {
    const outcome = await work.client.call(call, trace, deadlineAt - performance.now() - RESERVE_MS);
    if ("failure" in outcome) {
      work.output.log("error", `${name}: call to ${call.peer} failed: ${outcome.reason}`);
      return outcome.failure === "timeout" ? 504 : 502;
    }
    if (outcome.status >= 500) {
      work.output.log("error", `${name}: ${call.peer} answered ${outcome.status} to ${call.method} ${call.path}`);
      return 502;
    }
  }
  return route.method === "POST" ? 201 : 200;
}

/** Touches each page of what is retained, as a lookup in a list without an index does. */
function walk(retained: readonly Buffer[]): number {
  let seen = 0;
  for (const buffer of retained) for (let at = 0; at < buffer.length; at += 4_096) seen += buffer[at] as number;
  return seen;
}
