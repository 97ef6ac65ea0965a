// Doing one deed through the ports. Verbs in, never a container specification; argument arrays, never a shell.
import { createHash } from "node:crypto";
import { type Deed, durationMs } from "@tocsin/runbooks";
import type { Clock } from "@tocsin/runtime";
import type { ActResult, Target, TargetPort } from "@tocsin/targets";
import { stepFailed, stepTimedOut } from "./errors.ts";

export interface DeedContext {
  readonly targets: TargetPort;
  readonly clock: Clock;
  readonly fetch: typeof fetch;
  /** Origins that `http.request` may call. */
  readonly httpOrigins: readonly string[];
  /** The same for each try of the same step of the same run: what makes it one act. */
  readonly operationId: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** The red button. */
  readonly signal: AbortSignal;
  readonly onOutput: (chunk: string) => void;
}

export interface Done {
  readonly output: string;
  /** The target after the act, where the deed has one. */
  readonly after?: Target;
}

const MAX_ANSWER_BYTES = 64_000;

/**
 * Does it, within its deadline.
 *
 * @throws AppError of the target system; `EXECUTOR_STEP_FAILED` when it was done and did not succeed; `EXECUTOR_STEP_TIMEOUT`
 */
export async function perform(deed: Deed, context: DeedContext): Promise<Done> {
  const deadline = new AbortController();
  const signal = AbortSignal.any([context.signal, deadline.signal]);
  const timer = new AbortController();
  const late = context.clock.sleep(context.timeoutMs, timer.signal).then(
    () => {
      deadline.abort(stepTimedOut(deed.verb, context.timeoutMs));
      throw deadline.signal.reason;
    },
    () => new Promise<never>(() => {}),
  );
  const pressed = new Promise<never>((_, reject) => {
    if (context.signal.aborted) reject(context.signal.reason);
    context.signal.addEventListener("abort", () => reject(context.signal.reason), { once: true, signal: timer.signal });
  });
  try {
    return await Promise.race([start(deed, { ...context, signal }), late, pressed]);
  } finally {
    timer.abort();
  }
}

async function start(deed: Deed, context: DeedContext): Promise<Done> {
  const { targets, operationId, timeoutMs, signal } = context;
  const options = { operationId, timeoutMs, signal };
  switch (deed.verb) {
    case "target.restart":
      return acted(await targets.restart(deed.with.target, options));
    case "target.start":
      return acted(await targets.start(deed.with.target, options));
    case "target.stop":
      return acted(await targets.stop(deed.with.target, options));
    case "target.rollback": {
      const { target, toRevision } = deed.with;
      return acted(await targets.rollback(target, toRevision === undefined ? options : { ...options, toRevision }));
    }
    case "target.scale":
      return acted(await targets.scale(deed.with.target, Number(deed.with.replicas), options));
    case "target.config": {
      const { target, name, value } = deed.with;
      return acted(await targets.configure(target, { name, value }, options));
    }
    case "target.recreate":
      return acted(await targets.recreate(deed.with.target, options));
    case "target.reconnect":
      return acted(await targets.reconnect(deed.with.target, options));
    case "target.logs": {
      const { target, tail, since } = deed.with;
      return { output: (await targets.logs(target, { tail, sinceSeconds: durationMs(since) / 1_000 })) || "no line" };
    }
    case "target.stats": {
      const stats = await targets.stats(deed.with.target);
      return {
        output:
          Object.entries(stats)
            .map(([name, value]) => `${name} ${value}`)
            .join("\n") || "no figure",
      };
    }
    case "container.run":
      return runContainer(deed, context);
    case "http.request":
      return request(deed, context);
    case "wait":
      await context.clock.sleep(durationMs(deed.with.for), signal);
      return { output: `waited ${deed.with.for}` };
    case "check":
      return { output: "" };
    case "notify":
      return { output: deed.with.text };
    case "ask":
      return { output: `answered with yes: ${deed.with.question}` };
  }
}

/** @throws AppError `EXECUTOR_STEP_FAILED` when some replicas were left alone: what was begun is then undone, not believed */
function acted({ text, after, incomplete }: ActResult): Done {
  if (incomplete !== undefined) throw stepFailed(text, incomplete);
  return { output: text, after };
}

/** Names of containers have a fixed alphabet, and the same operation has the same name: a second create finds the first. */
const containerName = (operationId: string): string =>
  `sre-${operationId.replace(/[^a-zA-Z0-9_.-]+/g, "-").slice(0, 80)}-${createHash("sha256").update(operationId).digest("hex").slice(0, 8)}`;

async function runContainer(deed: Extract<Deed, { verb: "container.run" }>, context: DeedContext): Promise<Done> {
  const { image, argv, env, network } = deed.with;
  const result = await context.targets.runOneOff({
    name: containerName(context.operationId),
    image,
    argv,
    env,
    ...(network === undefined ? {} : { network }),
    timeoutMs: context.timeoutMs,
    labels: context.labels,
    onOutput: context.onOutput,
    signal: context.signal,
  });
  if (result.timedOut) throw stepTimedOut(deed.verb, context.timeoutMs);
  if (result.exitCode !== 0)
    throw stepFailed(deed.verb, `the container ended with exit code ${result.exitCode ?? "unknown"}`, { output: result.output });
  return { output: result.output };
}

/** Only to origins that were allowed by configuration, without following redirects: an answer must not send us elsewhere. */
async function request(deed: Extract<Deed, { verb: "http.request" }>, context: DeedContext): Promise<Done> {
  const { method, url, body, expect } = deed.with;
  const { origin } = new URL(url);
  if (!context.httpOrigins.includes(origin)) throw stepFailed(deed.verb, `the origin ${origin} is not on the allow list`);
  const response = await context.fetch(url, {
    method,
    redirect: "manual",
    signal: context.signal,
    headers: {
      "idempotency-key": context.operationId,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body }),
  });
  const output = `${response.status}\n${await textUpTo(response, MAX_ANSWER_BYTES)}`;
  if (!expect.includes(response.status))
    throw stepFailed(deed.verb, `${url} answered ${response.status}, wanted ${expect.join(" or ")}`, { output });
  return { output };
}

async function textUpTo(response: Response, limit: number): Promise<string> {
  const reader = response.body?.getReader();
  if (!reader) return "";
  const parts: Uint8Array[] = [];
  for (let length = 0; length < limit; ) {
    const { value } = await reader.read();
    if (!value) return Buffer.concat(parts).toString("utf8");
    parts.push(value);
    length += value.length;
  }
  await reader.cancel();
  return Buffer.concat(parts).subarray(0, limit).toString("utf8");
}
