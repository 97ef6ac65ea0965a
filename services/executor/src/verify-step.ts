import { type Check, type CheckResult, type Health, type PlannedVerify, type Watch, watch, worseThan } from "@tocsin/runbooks";
import { runInterrupted } from "./errors.ts";
import type { RunContext } from "./run-context.ts";

export interface Verified {
  readonly verdict: "good" | "worse" | "not-better";
  /** What was found last, in words. */
  readonly text: string;
}

const inWords = (results: readonly CheckResult[]): string =>
  results.map(({ holds, text }) => `${holds ? "holds" : "fails"}: ${text}`).join("\n");

/**
 * Looks again and again until the checks have held for the soak time, the target is worse than before the act, or time is up.
 *
 * @param before the target's health right before the act; absent for a step that acts on none
 * @throws AppError `EXECUTOR_RED_BUTTON`, `EXECUTOR_RUN_INTERRUPTED`
 */
export async function verifyStep(
  context: RunContext,
  verify: PlannedVerify,
  target: string | undefined,
  before: Health | undefined,
): Promise<Verified> {
  const { clock, ask } = context;
  let state: Watch = { startedAt: clock.now() };
  for (;;) {
    const [results, health] = await Promise.all([ask.checks(verify.checks), target && before ? ask.health(target) : undefined]);
    const worse = before && health ? worseThan(before, health) : undefined;
    const look = { allHold: results.every((result) => result.holds), worse: worse !== undefined };
    const next = watch(state, clock.now(), look, verify);
    state = next.state;
    if (next.verdict === "worse") return { verdict: "worse", text: `${worse}\n${inWords(results)}` };
    if (next.verdict !== "watching") return { verdict: next.verdict, text: inWords(results) };
    await pause(context, context.verifyIntervalMs);
  }
}

/** Waits for the preconditions to hold. @returns what does not hold, in words; undefined when all do */
export async function awaitPreconditions(context: RunContext, checks: readonly Check[]): Promise<string | undefined> {
  if (checks.length === 0) return undefined;
  const until = context.clock.now() + context.preconditionMs;
  for (;;) {
    const results = await context.ask.checks(checks);
    if (results.every((result) => result.holds)) return undefined;
    if (context.clock.now() >= until)
      return results
        .filter((result) => !result.holds)
        .map((result) => result.text)
        .join("; ");
    await pause(context, context.verifyIntervalMs);
  }
}

async function pause({ clock, stopped, interrupted, run }: RunContext, ms: number): Promise<void> {
  await clock.sleep(ms, AbortSignal.any([stopped, interrupted])).catch(() => {
    if (stopped.aborted) throw stopped.reason;
    throw runInterrupted(run.id, "the process stops");
  });
}
