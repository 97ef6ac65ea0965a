import { AppError, messageOf } from "@tocsin/runtime";
import { targetFailed, targetTimeout, targetUnavailable, targetUnsupported } from "../errors.ts";
import type { ActOptions, ActResult, Target, TargetPort } from "../target-port.ts";
import { ActAnswer, Items, LogItem, ProblemAnswer, TargetAnswer } from "./lab-answers.ts";

/** Codes that the lab's API shares with this port. */
const SHARED = ["TARGET_UNKNOWN", "TARGET_NO_PREVIOUS", "TARGET_CONFIG_REFUSED", "TARGET_TIMEOUT", "TARGET_UNSUPPORTED"];
const READ_DEADLINE_MS = 5_000;
const MAX_BODY_BYTES = 4_194_304;

/**
 * The lab's services through its API.
 *
 * @param baseUrl e.g. `http://127.0.0.1:8081`
 */
export function labTargets(baseUrl: string): TargetPort {
  const base = baseUrl.replace(/\/+$/, "");

  async function call(
    method: "GET" | "POST",
    path: string,
    options: { body?: object; deadlineMs?: number; signal?: AbortSignal | undefined } = {},
  ) {
    const deadlineMs = options.deadlineMs ?? READ_DEADLINE_MS;
    const deadline = AbortSignal.timeout(deadlineMs);
    let response: Response;
    let text: string;
    try {
      response = await fetch(base + path, {
        method,
        signal: options.signal ? AbortSignal.any([options.signal, deadline]) : deadline,
        ...(options.body ? { body: JSON.stringify(options.body), headers: { "content-type": "application/json" } } : {}),
      });
      text = await response.text();
    } catch (error) {
      if (deadline.aborted && method === "POST") throw targetTimeout(path, "acting on", deadlineMs);
      if (options.signal?.aborted) throw options.signal.reason;
      throw targetUnavailable(`the lab at ${base}`, deadline.aborted ? `no answer within ${deadlineMs} ms` : messageOf(error), error);
    }
    if (text.length > MAX_BODY_BYTES) throw targetFailed(`${method} ${path}`, response.status, "the answer is too long");
    const body = parseJson(text);
    if (response.ok) return body;
    const problem = ProblemAnswer.safeParse(body);
    if (problem.success && SHARED.includes(problem.data.code)) {
      const { code, detail, known } = problem.data;
      throw new AppError(code, detail ?? code, known ? { details: { known } } : {});
    }
    const reason = problem.data?.detail ?? text.slice(0, 300);
    if (response.status >= 500) throw targetUnavailable(`the lab at ${base}`, `it answered ${response.status}: ${reason}`);
    throw targetFailed(`${method} ${path}`, response.status, reason);
  }

  async function act(id: string, verb: string, options: ActOptions, extra: object = {}): Promise<ActResult> {
    const body = { operationId: options.operationId, timeoutMs: options.timeoutMs, ...extra };
    // The lab keeps the act's own deadline; ours is only for a lab that does not answer at all.
    const answer = await call("POST", `/v1/services/${encodeURIComponent(id)}/${verb}`, {
      body,
      deadlineMs: options.timeoutMs + 5_000,
      signal: options.signal,
    });
    return ActAnswer.parse(answer) as ActResult;
  }

  return {
    kind: "lab",
    list: async () => Items(TargetAnswer).parse(await call("GET", "/v1/services")).items as readonly Target[],
    get: async (id) => TargetAnswer.parse(await call("GET", `/v1/services/${encodeURIComponent(id)}`)) as Target,
    restart: (id, options) => act(id, "restart", options),
    start: (id, options) => act(id, "start", options),
    stop: (id, options) => act(id, "stop", options),
    rollback: (id, options) => act(id, "rollback", options, options.toRevision === undefined ? {} : { toRevision: options.toRevision }),
    scale: (id, replicas, options) => act(id, "scale", options, { replicas }),
    configure: (id, { name, value }, options) => act(id, "config", options, { name, value }),
    // The lab runs processes: they have no container to make anew and no network to leave.
    recreate: async (id) => unsupported(`${id}: the lab runs no containers to make anew`),
    reconnect: async (id) => unsupported(`${id}: the lab's services share one network`),
    async logs(id, { tail, sinceSeconds }) {
      const from = sinceSeconds === undefined ? 0 : Date.now() / 1000 - sinceSeconds;
      const path = `/v1/logs?service=${encodeURIComponent(id)}&from=${from}&limit=${Math.min(tail, 10_000)}`;
      const { items } = Items(LogItem).parse(await call("GET", path));
      return items.map((line) => `${new Date(line.at * 1000).toISOString()} ${line.level} ${line.message}`).join("\n");
    },
    async stats(id) {
      const target = TargetAnswer.parse(await call("GET", `/v1/services/${encodeURIComponent(id)}`));
      return {
        replicas: target.replicas.length,
        healthy: target.replicas.filter((replica) => replica.healthy).length,
        restarts: target.replicas.reduce((sum, replica) => sum + replica.restarts, 0),
      };
    },
    runOneOff: async () => unsupported("the lab runs no containers; use docker: targets for one-off containers"),
    reap: async () => 0,
    async ping() {
      await call("GET", "/healthz");
    },
    close: async () => {},
  };
}

function unsupported(what: string): never {
  throw targetUnsupported(what);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
