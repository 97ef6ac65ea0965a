// What an incident does next, once somebody has acted or its alerts have resolved. Pure: the job below it only looks, asks this, and writes.
import type { IncidentState, RunState } from "@tocsin/contracts";
import type { EscalationWhy } from "./metrics.ts";

export interface Standing {
  readonly state: IncidentState;
  /** Milliseconds; absent while a member fires. */
  readonly recoveredAtMs: number | undefined;
  readonly resolvedAtMs: number | undefined;
  readonly round: number;
  /** Is the investigation's graph still on its way? */
  readonly isInvestigating: boolean;
  /** The run of this round, when it asked for one. `looked`: it acted on nothing; what its steps found, in words. */
  readonly run: { readonly state: RunState; readonly reason?: string; readonly runbook: string; readonly looked?: string } | undefined;
  readonly verifySinceMs: number | undefined;
  readonly healthySinceMs: number | undefined;
  /** Whether every watched signal is back; only looked at while verifying. */
  readonly isHealthy: boolean;
  /** What is not back yet, in words. */
  readonly notBack: readonly string[];
  readonly nowMs: number;
}

export interface Patience {
  readonly soakSeconds: number;
  readonly verifyWithinSeconds: number;
  readonly verifyEverySeconds: number;
  readonly closeAfterSeconds: number;
  readonly maxRounds: number;
}

export type NextStep =
  | { readonly kind: "nothing"; readonly reason: string }
  /** Look again then. */
  | { readonly kind: "wait"; readonly seconds: number }
  | { readonly kind: "verify"; readonly how: "mitigated" | "recovered"; readonly text: string }
  /** While verifying: keep since when it is healthy and look again. */
  | { readonly kind: "observe"; readonly healthySinceMs: number | undefined; readonly seconds: number }
  | { readonly kind: "resolve"; readonly text: string }
  | { readonly kind: "close"; readonly text: string }
  | { readonly kind: "investigate"; readonly reason: string }
  | { readonly kind: "escalate"; readonly why: EscalationWhy; readonly text: string };

const ENDED_BADLY: ReadonlySet<RunState> = new Set(["failed", "refused", "denied", "unknown"]);

export function nextStep(now: Standing, patience: Patience): NextStep {
  switch (now.state) {
    case "closed":
    case "escalated":
      return { kind: "nothing", reason: `it is ${now.state}` };
    case "open":
      return { kind: "nothing", reason: "its investigation has not begun" };
    case "investigating":
      if (now.isInvestigating) return { kind: "wait", seconds: patience.verifyEverySeconds };
      return now.recoveredAtMs === undefined
        ? { kind: "investigate", reason: "its alerts fire again" }
        : { kind: "verify", how: "recovered", text: "Every alert has resolved without an action of ours: checking that it lasts." };
    case "mitigating":
    case "awaiting-approval":
      return afterRun(now, patience);
    case "verifying":
      return whileVerifying(now, patience);
    case "resolved":
      return whileResolved(now, patience);
    default:
      return now.state satisfies never;
  }
}

function afterRun(now: Standing, patience: Patience): NextStep {
  const { run } = now;
  if (run?.state === "succeeded") {
    // Nothing was done, so nothing gets better by waiting: whoever is called has what was found at once.
    if (run.looked !== undefined && now.recoveredAtMs === undefined)
      return {
        kind: "escalate",
        why: "only-looked",
        text: `${run.runbook} only looks, and nothing that acts fits. A person has to act. It found:\n${run.looked}`,
      };
    return {
      kind: "verify",
      how: "mitigated",
      text: `${run.runbook} has done its steps: checking that the alerts resolve and the signals are back.`,
    };
  }
  if (run && ENDED_BADLY.has(run.state)) return afterBadRun(run, now, patience);
  // A question nobody has answered yet does not keep an incident open that is over.
  if (now.state === "awaiting-approval" && now.recoveredAtMs !== undefined) {
    return { kind: "verify", how: "recovered", text: "Every alert has resolved before anybody approved: checking that it lasts." };
  }
  return { kind: "nothing", reason: run ? `its run is ${run.state}` : "no run was asked for" };
}

function afterBadRun(run: NonNullable<Standing["run"]>, now: Standing, patience: Patience): NextStep {
  const why = run.reason === undefined ? "" : `: ${run.reason}`;
  // What failed and was undone may be tried another way. A refusal, a denial or an unknown outcome is for a person.
  if (run.state === "failed" && now.round < patience.maxRounds) return { kind: "investigate", reason: `${run.runbook} did not help${why}` };
  const words = { failed: "did not help", refused: "was refused", denied: "was denied", unknown: "ended in an unknown state" } as const;
  return {
    kind: "escalate",
    why: "run-ended-badly",
    text: `${run.runbook} ${words[run.state as keyof typeof words]}${why}. A person has to look.`,
  };
}

function whileVerifying(now: Standing, patience: Patience): NextStep {
  const isGood = now.recoveredAtMs !== undefined && now.isHealthy;
  const healthySinceMs = isGood ? (now.healthySinceMs ?? now.nowMs) : undefined;
  if (healthySinceMs !== undefined && now.nowMs - healthySinceMs >= patience.soakSeconds * 1_000) {
    return {
      kind: "resolve",
      text: `Every alert is resolved and every watched signal has been back for ${Math.round((now.nowMs - healthySinceMs) / 1_000)} s.`,
    };
  }
  const waited = now.nowMs - (now.verifySinceMs ?? now.nowMs);
  if (waited >= patience.verifyWithinSeconds * 1_000 && !isGood) {
    const left = [...(now.recoveredAtMs === undefined ? ["alerts still fire"] : []), ...now.notBack];
    // What was done did what it says and yet did not help: by now there is more to see.
    if (now.run?.state === "succeeded" && now.round < patience.maxRounds) {
      return { kind: "investigate", reason: `${now.run.runbook} did not bring it back: ${left.join("; ")}` };
    }
    return {
      kind: "escalate",
      why: "not-recovered",
      text: `Not back after ${Math.round(waited / 1_000)} s of watching: ${left.join("; ")}.`,
    };
  }
  return { kind: "observe", healthySinceMs, seconds: patience.verifyEverySeconds };
}

function whileResolved(now: Standing, patience: Patience): NextStep {
  if (now.recoveredAtMs === undefined) return { kind: "investigate", reason: "an alert fired again after it was resolved" };
  const since = now.nowMs - (now.resolvedAtMs ?? now.nowMs);
  const left = patience.closeAfterSeconds - since / 1_000;
  if (left > 0) return { kind: "wait", seconds: left };
  return { kind: "close", text: `It has stayed resolved for ${Math.round(since / 1_000)} s.` };
}
