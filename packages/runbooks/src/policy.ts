// May a plan run now? Pure: facts in, a verdict with every rule's reason out. The executor gathers the facts itself; nothing that a model, an
// alert or the requester says is one. Of several rules the strictest holds.
import type { IncidentState, RunState, Severity } from "@tocsin/contracts";
import type { ErrorBudget } from "./error-budget.ts";
import type { Autonomy } from "./format.ts";
import type { RunPlan } from "./plan.ts";
import { type Freeze, type Limits, limitsOf, type PolicyConfig } from "./policy-config.ts";
import { recordOf } from "./record.ts";

/** One target as its own system shows it now. */
export interface TargetFacts {
  readonly id: string;
  /** False when the target system does not know it. */
  readonly known: boolean;
  readonly managed: boolean;
  readonly replicas: { readonly total: number; readonly healthy: number };
  /** Replicas that the plan takes out of service at the same time: one for what is done to one replica after another. */
  readonly taken: number;
  /** Does a rollback have somewhere to go? */
  readonly hasPrevious: boolean;
  /** The run that rolled back from the very revision that a rollback would go to now. */
  readonly previousLeftBy?: string;
  /** Names of configuration values that its owner allows to be set; absent: none. */
  readonly configNames?: readonly string[];
  /** Unix milliseconds of its youngest sample; absent when there is none. */
  readonly lastSampleAt?: number;
  /** A member alert fires for it, or its own signals are worse than before the incident. */
  readonly broken: boolean;
  /** The run that holds its lock. */
  readonly lockedBy?: string;
}

export interface RunFacts {
  readonly id: string;
  readonly runbook: string;
  readonly state: RunState;
  /** Unix milliseconds. */
  readonly startedAt: number;
  readonly finishedAt?: number;
  readonly targets: readonly string[];
  /** It failed because the target got worse. */
  readonly regressed: boolean;
}

export interface PolicyFacts {
  /** Unix milliseconds. */
  readonly now: number;
  readonly environment: string;
  readonly severity: Severity;
  readonly incidentState: IncidentState;
  readonly runId: string;
  readonly plan: Pick<RunPlan, "runbook" | "digest" | "steps" | "targets" | "reversibility" | "questions" | "autonomy" | "risk" | "tags">;
  /** How the executor itself matches the runbook to the incident. */
  readonly matched: "rule" | "text" | "none";
  readonly targets: readonly TargetFacts[];
  readonly redButton: { readonly on: boolean; readonly reason: string };
  /** Started within the longest window of the limits (30 days by default), this run not among them. */
  readonly runs: readonly RunFacts[];
  /** When a person re-enabled the runbook, Unix milliseconds. */
  readonly reenabledAt?: number;
  /** The last change of the runbook's autonomy here; a demotion or a promotion holds until the next. */
  readonly autonomyMoved?: {
    readonly kind: "proposed" | "promoted" | "declined" | "demoted";
    readonly by: string;
    readonly reason: string;
  };
  readonly incidentsInFiveMinutes: number;
  /** Of the target whose budget stands worst; absent when no objective is kept or nothing was measured. */
  readonly errorBudget?: ErrorBudget;
  /** A person's yes to exactly this digest. */
  readonly approval?: { readonly digest: string; readonly by: string; readonly emergency: boolean };
}

export type Verdict = "allow" | "needs-approval" | "refuse";
export interface PolicyReason {
  readonly rule: string;
  readonly verdict: Verdict;
  readonly text: string;
}
export interface Decision {
  readonly verdict: Verdict;
  /** Every rule, in the order they were asked, so that a dry run shows what holds and what does not. */
  readonly reasons: readonly PolicyReason[];
  /** Only an approval given for an emergency is enough. */
  readonly emergencyOnly: boolean;
  /** The level that held: the lowest of all that apply. */
  readonly autonomy: Autonomy;
  /** Refused only because something else is under way or was just done: worth asking again after so many milliseconds. */
  readonly retryInMs?: number;
}

type Judged = Omit<PolicyReason, "rule"> & { readonly retryInMs?: number; readonly emergency?: boolean };
const allow = (text: string): Judged => ({ verdict: "allow", text });
const refuse = (text: string, retryInMs?: number): Judged => ({
  verdict: "refuse",
  text,
  ...(retryInMs === undefined ? {} : { retryInMs }),
});
const ask = (text: string): Judged => ({ verdict: "needs-approval", text });

const MINUTE = 60_000;
const HOUR = 3_600_000;
/** How soon a busy target or a full house is worth another look. */
const BUSY_RETRY_MS = 5_000;

/** Pure: the verdict on a plan. A rule that refuses cannot be approved away, but for a freeze in an emergency. */
export function decide(facts: PolicyFacts, policy: PolicyConfig): Decision {
  const limits = limitsOf(policy, facts.environment);
  const autonomy = autonomyOf(facts, policy, limits);
  const acting = facts.plan.targets.length > 0 || facts.plan.reversibility !== "none";
  // What only looks needs no room, but it stops at the red button like everything else.
  const rules: readonly [string, () => Judged][] = acting
    ? [
        ["red-button", () => redButton(facts)],
        ["incident", () => incidentState(facts)],
        ["selector", () => selector(facts, limits)],
        ["target", () => targetsReady(facts)],
        ["lock", () => locks(facts)],
        ["fresh-signal", () => freshSignal(facts, limits)],
        ["last-replica", () => replicas(facts, limits)],
        ["concurrency", () => concurrency(facts, limits)],
        ["cool-down", () => coolDown(facts, limits)],
        ["rate", () => rate(facts, limits)],
        ["breaker", () => breaker(facts, limits)],
        ["error-budget", () => errorBudget(facts, limits)],
        ["freeze", () => freeze(facts, policy)],
        ["match", () => matched(facts)],
        ["reversibility", () => reversibility(facts)],
        ["question", () => questions(facts)],
        ["unknown-outcome", () => unknownOutcome(facts)],
        ["autonomy", () => autonomy.judged],
      ]
    : [
        ["red-button", () => redButton(facts)],
        ["question", () => questions(facts)],
      ];
  const judged = rules.map(([rule, judge]) => ({ rule, ...judge() }));
  const emergencyOnly = judged.some((j) => j.emergency === true);
  const approved =
    facts.approval !== undefined && facts.approval.digest === facts.plan.digest && (!emergencyOnly || facts.approval.emergency);
  const refusals = judged.filter((j) => j.verdict === "refuse");
  const asks = judged.filter((j) => j.verdict === "needs-approval");
  const verdict: Verdict = refusals.length > 0 ? "refuse" : asks.length > 0 && !approved ? "needs-approval" : "allow";
  const retries = refusals.map((j) => j.retryInMs);
  const retryInMs = retries.length > 0 && retries.every((ms) => ms !== undefined) ? Math.max(...retries) : undefined;
  return {
    verdict,
    reasons: judged.map(({ rule, verdict: v, text }) => ({ rule, verdict: v, text })),
    emergencyOnly,
    autonomy: autonomy.level,
    ...(retryInMs === undefined ? {} : { retryInMs }),
  };
}

/** The reasons that made the verdict, in one sentence. */
export const reasonsInWords = ({ verdict, reasons }: Decision): string =>
  reasons
    .filter((reason) => reason.verdict === verdict)
    .map((reason) => (verdict === "allow" ? reason.rule : reason.text))
    .join("; ");

const redButton = ({ redButton: { on, reason } }: PolicyFacts): Judged =>
  on ? refuse(`the red button is pressed${reason ? `: ${reason}` : ""}`) : allow("the red button is not pressed");

function incidentState({ incidentState: state }: PolicyFacts): Judged {
  if (state === "closed" || state === "resolved") return refuse(`the incident is ${state} already`);
  return state === "escalated" ? ask("the incident was handed to a person") : allow(`the incident is ${state}`);
}

function selector({ plan, targets }: PolicyFacts, limits: Limits): Judged {
  const acting = plan.steps.filter((step) => step.acts && step.deed.verb.startsWith("target."));
  if (acting.some((step) => !step.target) || plan.targets.some((target) => target.trim() === ""))
    return refuse("a step names no target, and no target must never mean every target");
  if (targets.length !== plan.targets.length) return refuse(`${plan.targets.length} targets were named and ${targets.length} resolved`);
  if (plan.targets.length > limits.maxTargets)
    return refuse(`it acts on ${plan.targets.length} targets; at most ${limits.maxTargets} at once`);
  return allow(plan.targets.length === 0 ? "it acts on no target" : `it acts on ${plan.targets.join(", ")}`);
}

function targetsReady({ targets, plan }: PolicyFacts): Judged {
  for (const target of targets) {
    if (!target.known) return refuse(`there is no target ${target.id}`);
    if (!target.managed) return refuse(`${target.id} is not managed by us`);
    const goesBack = plan.steps.some(
      (s) => s.deed.verb === "target.rollback" && s.target === target.id && s.deed.with.toRevision === undefined,
    );
    const closed = plan.steps.find(
      (s) => s.deed.verb === "target.config" && s.target === target.id && !target.configNames?.includes(s.deed.with.name),
    );
    if (closed?.deed.verb === "target.config")
      return refuse(
        `${target.id} does not allow ${closed.deed.with.name} to be set; it allows ${target.configNames?.join(", ") || "nothing"}`,
      );
    if (goesBack && !target.hasPrevious) return refuse(`${target.id} has no revision before to go back to`);
    if (goesBack && target.previousLeftBy !== undefined)
      return refuse(`the revision before of ${target.id} is the one that the run ${target.previousLeftBy} rolled back from`);
  }
  return allow("every target exists and is managed");
}

function locks({ targets, runId }: PolicyFacts): Judged {
  const locked = targets.find((target) => target.lockedBy !== undefined && target.lockedBy !== runId);
  return locked ? refuse(`${locked.id} is locked by the run ${locked.lockedBy}`, BUSY_RETRY_MS) : allow("no other run holds a target");
}

function freshSignal({ targets, now }: PolicyFacts, limits: Limits): Judged {
  for (const { id, lastSampleAt } of targets) {
    if (lastSampleAt === undefined) return refuse(`there is no sample of ${id}: nobody could see what an action does`);
    const age = Math.round((now - lastSampleAt) / 1_000);
    if (age > limits.freshSignalSeconds)
      return refuse(`the youngest sample of ${id} is ${age} s old; at most ${limits.freshSignalSeconds} s`);
  }
  return allow("the signals are fresh");
}

function replicas({ targets }: PolicyFacts, limits: Limits): Judged {
  for (const target of targets) {
    const { total, healthy } = target.replicas;
    if (target.taken === 0 || healthy === 0) continue; // nothing that works is taken away
    const takenHealthy = Math.min(healthy, target.taken);
    const most = Math.max(1, Math.floor(total * limits.maxReplicaShare));
    const takesLast = takenHealthy >= healthy;
    // A process that runs is "healthy" to its runtime even when it answers nothing right: the signals say whether the service works.
    if (takesLast && !target.broken) return refuse(`it would take the last healthy replica of ${target.id}, which works`);
    if (takenHealthy > most)
      return target.broken
        ? ask(`it takes ${takenHealthy} of ${total} replicas of ${target.id} at once; ${most} by itself`)
        : refuse(`it takes ${takenHealthy} of ${total} replicas of ${target.id} at once; at most ${most}`);
  }
  return allow("no replica that works is taken beyond the limit");
}

function concurrency({ runs, plan }: PolicyFacts, limits: Limits): Judged {
  const running = runs.filter((run) => run.state === "running" && run.targets.length > 0);
  const same = running.find((run) => run.targets.some((target) => plan.targets.includes(target)));
  if (same) return refuse(`the run ${same.id} acts on ${same.targets.join(", ")} now`, BUSY_RETRY_MS);
  if (running.length >= limits.globalAtOnce) return refuse(`${running.length} runs act now; at most ${limits.globalAtOnce}`, BUSY_RETRY_MS);
  return allow(`${running.length} other runs act now`);
}

function coolDown({ runs, plan, now }: PolicyFacts, limits: Limits): Judged {
  for (const target of plan.targets) {
    const before = runs.filter(
      (run) => run.runbook === plan.runbook && run.targets.includes(target) && run.startedAt > now - limits.repeatWindowSeconds * 1_000,
    );
    if (before.length === 0) continue;
    const last = Math.max(...before.map((run) => run.finishedAt ?? run.startedAt));
    const wait = (limits.cooldownSeconds[Math.min(before.length, limits.cooldownSeconds.length) - 1] as number) * 1_000;
    if (now - last < wait)
      return refuse(
        `${plan.runbook} ran on ${target} ${Math.round((now - last) / 1_000)} s ago (${before.length === 1 ? "once" : `${before.length} times`} lately); it rests for ${wait / 1_000} s`,
        // Waiting for it is worth while only where it is short.
        last + wait - now <= MINUTE ? last + wait - now : undefined,
      );
  }
  return allow("it did not run there lately");
}

function rate({ runs, plan, now }: PolicyFacts, limits: Limits): Judged {
  const lastHour = runs.filter((run) => run.startedAt > now - HOUR && run.targets.length > 0);
  if (lastHour.length >= limits.globalPerHour)
    return refuse(`${lastHour.length} actions in the last hour; at most ${limits.globalPerHour}`);
  for (const target of plan.targets) {
    const here = lastHour.filter((run) => run.targets.includes(target)).length;
    if (here >= limits.perServicePerHour)
      return refuse(`${here} actions on ${target} in the last hour; at most ${limits.perServicePerHour}`);
  }
  return allow("the hourly rates are not used up");
}

function breaker({ runs, plan, now, reenabledAt = 0 }: PolicyFacts, limits: Limits): Judged {
  const ended = runs
    .filter((run) => run.runbook === plan.runbook && run.startedAt > reenabledAt && ["succeeded", "failed", "unknown"].includes(run.state))
    .sort((a, b) => b.startedAt - a.startedAt);
  const first = ended.findIndex((run) => run.state === "succeeded");
  const failures = first < 0 ? ended.length : first;
  if (failures >= limits.breakerOffFailures)
    return refuse(`${plan.runbook} failed ${failures} times in a row: it is off until a person re-enables it`);
  const last = ended[0]?.finishedAt ?? ended[0]?.startedAt ?? 0;
  if (failures >= limits.breakerFailures && now - last < limits.breakerSeconds * 1_000)
    return refuse(`${plan.runbook} failed ${failures} times in a row: it rests for ${limits.breakerSeconds / 60} min`);
  return allow(
    failures === 0 ? "it did not fail lately" : `it failed ${failures} times in a row; it rests after ${limits.breakerFailures}`,
  );
}

function errorBudget({ errorBudget: budget, plan }: PolicyFacts, limits: Limits): Judged {
  if (!budget) return allow("no error budget is kept for it");
  const of = `the error budget of ${budget.service} (${budget.objective})`;
  const spent = budget.exhausted ? `${of} is used up` : `${of} burns ${budget.burnRate.toFixed(1)} times too fast`;
  if (!budget.exhausted && budget.burnRate <= limits.maxBurnRate)
    return allow(`${of} holds: ${Math.round(budget.spentRatio * 100)} % spent, burning at ${budget.burnRate.toFixed(1)}`);
  if (!plan.tags.includes("mitigation")) return refuse(`${spent}: only runbooks tagged mitigation run now`);
  return plan.risk === "high" ? ask(`${spent}, and what would mitigate is of high risk`) : allow(`${spent}, and this mitigates`);
}

function freeze({ now, environment }: PolicyFacts, policy: PolicyConfig): Judged {
  const holding = policy.freezes.find((f) => (f.environments === undefined || f.environments.includes(environment)) && isFrozen(f, now));
  return holding
    ? { ...ask(`changes are frozen (${holding.reason}): only an approval for an emergency is enough`), emergency: true }
    : allow("no change freeze holds");
}

const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

/** Does a freeze hold at a time? A weekly one that ends at or before its start ends on the next day. */
export function isFrozen(window: Freeze, now: number): boolean {
  if (!("days" in window)) return now >= Date.parse(window.from) && now < Date.parse(window.to);
  const at = new Date(now);
  const minute = at.getUTCHours() * 60 + at.getUTCMinutes();
  const [from, to] = [minutesOf(window.from), minutesOf(window.to)];
  const names = window.days as readonly string[];
  const today = names.includes(DAYS[at.getUTCDay()] as string);
  const yesterday = names.includes(DAYS[(at.getUTCDay() + 6) % 7] as string);
  if (to > from) return today && minute >= from && minute < to;
  return (today && minute >= from) || (yesterday && minute < to);
}

function matched({ matched: how }: PolicyFacts): Judged {
  if (how === "rule") return allow("the runbook's own rules match the incident");
  return ask(how === "text" ? "the runbook only reads like the incident" : "the runbook's rules do not match the incident");
}

function reversibility({ plan }: PolicyFacts): Judged {
  if (plan.reversibility === "irreversible") return ask("it cannot be undone");
  if (plan.reversibility === "compensated") return ask("what undoes it is not the inverse of what it does");
  return allow(plan.reversibility === "inverse" ? "its undo is its inverse" : "it leaves the target as declared");
}

const questions = ({ plan }: PolicyFacts): Judged =>
  plan.questions.length > 0 ? ask(`it asks: ${plan.questions.join(" ")}`) : allow("it asks nothing");

function unknownOutcome({ runs, plan }: PolicyFacts): Judged {
  for (const target of plan.targets) {
    const last = runs.filter((run) => run.targets.includes(target) && run.state !== "running").sort((a, b) => b.startedAt - a.startedAt)[0];
    if (last?.state === "unknown") return ask(`nobody knows how the run ${last.id} on ${target} ended`);
  }
  return allow("every earlier run ended in a known way");
}

const LEVELS: readonly Autonomy[] = ["L0", "L1", "L2", "L3"];
const lowest = (levels: readonly Autonomy[]): Autonomy => LEVELS[Math.min(...levels.map((level) => LEVELS.indexOf(level)))] as Autonomy;

/** The lowest of what the runbook, the environment, every matching rule, the runbook's record and a storm allow. */
function autonomyOf(facts: PolicyFacts, policy: PolicyConfig, limits: Limits): { level: Autonomy; judged: Judged } {
  const { plan, environment } = facts;
  const own = Object.hasOwn(policy.environments, environment) ? policy.environments[environment]?.autonomy : undefined;
  const record = recordOf(plan.runbook, facts.runs, facts.now, limits);
  const moved = facts.autonomyMoved;
  const promotion =
    moved?.kind === "promoted" ? moved : policy.promotions.find((p) => p.runbook === plan.runbook && p.environment === environment);
  const of = (level: Autonomy, why: string) => ({ level, why });
  const base = own ?? policy.autonomy;
  const caps = [
    of(plan.autonomy, `the runbook allows ${plan.autonomy}`),
    base === "L2" && promotion && record.mayBePromoted
      ? of("L3", `${promotion.by} promoted it to L3`)
      : of(base, `the environment ${environment} allows ${base}`),
    ...policy.rules
      .filter(
        (rule) =>
          (rule.environment ?? environment) === environment &&
          (rule.runbook ?? plan.runbook) === plan.runbook &&
          (rule.severity ?? facts.severity) === facts.severity &&
          (rule.service === undefined || plan.targets.includes(rule.service)),
      )
      .map((rule) => of(rule.level, `a rule of the policy allows ${rule.level}`)),
    ...(plan.risk === "high" ? [of("L2", "its risk is high")] : []),
    // Once demoted, only a person's promotion lifts it: a record gets better by itself when its failures are long enough ago.
    ...(record.isDemoted || moved?.kind === "demoted" ? [of("L2", record.isDemoted ? record.text : (moved?.reason ?? ""))] : []),
    ...(facts.incidentsInFiveMinutes >= limits.stormIncidents
      ? [of("L1", `${facts.incidentsInFiveMinutes} incidents within five minutes are a storm`)]
      : []),
  ];
  const level = lowest(caps.map((cap) => cap.level));
  const why = caps
    .filter((cap) => cap.level === level)
    .map((cap) => cap.why)
    .join(", ");
  if (level === "L3") return { level, judged: allow(`autonomy L3: ${why}`) };
  if (level === "L2") return { level, judged: ask(`autonomy L2 acts after an approval: ${why}`) };
  return { level, judged: refuse(`autonomy ${level} only ${level === "L1" ? "proposes" : "observes"}: ${why}`) };
}
