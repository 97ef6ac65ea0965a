import { Agent, request } from "node:http";
import type { Call } from "./fleet-map.ts";
import type { Output } from "./output.ts";
import type { ServiceMetrics } from "./service-metrics.ts";
import { childContext, type TraceContext, traceparentOf } from "./trace.ts";

/** What came of a call: the status, or why there was none. */
type CallOutcome = { readonly status: number } | { readonly failure: "timeout" | "error"; readonly reason: string };

export interface PeerClient {
  /** @param budgetMs how long the caller can still wait; it is told to the callee, which waits no longer either */
  call(call: Call, parent: TraceContext, budgetMs: number): Promise<CallOutcome>;
  setPeer(name: string, address: string): void;
}

/** The remaining time of a request, in milliseconds; every service subtracts what it used. */
export const DEADLINE_HEADER = "x-deadline-ms";

export function peerClient(peers: ReadonlyMap<string, string>, metrics: ServiceMetrics, output: Output): PeerClient {
  const addresses = new Map(peers);
  // Few sockets that are kept: a callee that answers slowly must not make its callers run out of descriptors.
  const agent = new Agent({ keepAlive: true, maxSockets: 64, timeout: 10_000 });

  const send = (call: Call, address: string, context: TraceContext, budgetMs: number) =>
    new Promise<CallOutcome>((resolve) => {
      const signal = AbortSignal.timeout(Math.max(1, Math.round(budgetMs)));
      const headers = { traceparent: traceparentOf(context), [DEADLINE_HEADER]: String(Math.round(budgetMs)) };
      const outgoing = request(`${address}${call.path}`, { method: call.method, agent, headers, signal }, (response) => {
        response.resume();
        response.on("end", () => resolve({ status: response.statusCode ?? 0 }));
        response.on("error", (error) => resolve({ failure: "error", reason: error.message }));
      });
      outgoing.on("error", (error: NodeJS.ErrnoException) =>
        resolve(
          signal.aborted
            ? { failure: "timeout", reason: `no answer within ${Math.round(budgetMs)} ms` }
            : { failure: "error", reason: error.code ?? error.message },
        ),
      );
      outgoing.end();
    });

  return {
    setPeer: (name, address) => void addresses.set(name, address),
    async call(call, parent, budgetMs) {
      const context = childContext(parent);
      const startAt = Date.now() / 1000;
      const begin = performance.now();
      const address = addresses.get(call.peer);
      const outcome: CallOutcome =
        address === undefined
          ? { failure: "error", reason: "no address is known" }
          : budgetMs < 1
            ? { failure: "timeout", reason: "no time was left" }
            : await send(call, address, context, budgetMs);
      const durationMs = performance.now() - begin;
      const statusCode = "status" in outcome ? String(outcome.status) : outcome.failure;
      const error = !("status" in outcome) || outcome.status >= 500;
      metrics.called.observe({ peer_service: call.peer, status_code: statusCode }, durationMs / 1000);
      output.span({
        ...context,
        kind: "client",
        peer: call.peer,
        name: `${call.method} ${call.peer}${call.path}`,
        startAt,
        durationMs,
        error,
      });
      return outcome;
    },
  };
}
