import fc from "fast-check";
import { expect, test } from "vitest";
import { planWith } from "../src/plan.ts";
import { decide, isFrozen, type PolicyFacts, type RunFacts, reasonsInWords, type TargetFacts } from "../src/policy.ts";
import { DEFAULT_POLICY, Limits, limitsOf, PolicyConfig } from "../src/policy-config.ts";
import { recordOf } from "../src/record.ts";
import { RESTART, runbookOf, sample } from "./sample.ts";

const NOW = Date.parse("2026-03-02T12:00:00Z"); // a Monday
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const planned = planWith(runbookOf(sample(RESTART)), { service: "payments" });
if (planned.kind === "refused") throw new Error(planned.reason);
const plan = planned;

const ROLLBACK = {
  id: "back",
  deed: { verb: "target.rollback", with: { target: "payments" } },
  acts: true,
  target: "payments",
  precondition: [],
  timeoutMs: 1_000,
  reversibility: "inverse",
} as const;
const CONFIG = {
  ...ROLLBACK,
  id: "set",
  deed: { verb: "target.config", with: { target: "payments", name: "POOL_SIZE", value: "40" } },
} as const;
const target = (change: Partial<TargetFacts> = {}): TargetFacts => ({
  id: "payments",
  known: true,
  managed: true,
  replicas: { total: 1, healthy: 1 },
  taken: 1,
  hasPrevious: true,
  lastSampleAt: NOW - 1_000,
  broken: true,
  ...change,
});
const facts = (change: Partial<PolicyFacts> = {}): PolicyFacts => ({
  now: NOW,
  environment: "lab",
  severity: "critical",
  incidentState: "mitigating",
  runId: "run_now",
  plan,
  matched: "rule",
  targets: [target()],
  redButton: { on: false, reason: "" },
  runs: [],
  incidentsInFiveMinutes: 1,
  ...change,
});
let count = 0;
const past = (agoMs: number, change: Partial<RunFacts> = {}): RunFacts => ({
  id: `run_${++count}`,
  runbook: "other",
  state: "succeeded",
  startedAt: NOW - agoMs,
  finishedAt: NOW - agoMs + 1_000,
  targets: ["cart"],
  regressed: false,
  ...change,
});
/** The shipped numbers, with the autonomy to use them. */
const L3 = PolicyConfig.parse({ autonomy: "L3" });
const production = (change: Partial<PolicyFacts> = {}) => facts({ environment: "production", ...change });
const budget = { service: "payments", objective: 0.99, burnRate: 0.1, spentRatio: 0.2, exhausted: false };
const verdictOf = (f: PolicyFacts, policy = L3) => {
  const decision = decide(f, policy);
  return `${decision.verdict}: ${decision.verdict === "allow" ? "" : reasonsInWords(decision)}`.trim();
};

test("the lab runs by itself, everything else asks, with the shipped policy", () => {
  expect(decide(facts(), DEFAULT_POLICY)).toMatchObject({ verdict: "allow", autonomy: "L3" });
  expect(decide(production(), DEFAULT_POLICY)).toMatchObject({ verdict: "needs-approval", autonomy: "L2" });
});

test("every rule is asked and answers, whatever the verdict", () => {
  const rules = decide(facts(), L3).reasons.map((reason) => reason.rule);
  expect(decide(facts({ redButton: { on: true, reason: "x" } }), L3).reasons.map((reason) => reason.rule)).toEqual(rules);
  expect(new Set(rules).size).toBe(rules.length);
});

test.each<[string, Partial<PolicyFacts>, string]>([
  ["the red button", { redButton: { on: true, reason: "drill" } }, "refuse: the red button is pressed: drill"],
  ["a closed incident", { incidentState: "closed" }, "refuse: the incident is closed already"],
  ["an incident handed over", { incidentState: "escalated" }, "needs-approval: the incident was handed to a person"],
  ["a target that was not resolved", { targets: [] }, "refuse: 1 targets were named and 0 resolved"],
  ["an unknown target", { targets: [target({ known: false })] }, "refuse: there is no target payments"],
  ["a target of somebody else", { targets: [target({ managed: false })] }, "refuse: payments is not managed by us"],
  [
    "a rollback into the revision that was rolled back from",
    { plan: { ...plan, steps: [ROLLBACK] }, targets: [target({ previousLeftBy: "run_0" })] },
    "refuse: the revision before of payments is the one that the run run_0 rolled back from",
  ],
  [
    "a rollback into nowhere",
    { plan: { ...plan, steps: [ROLLBACK] }, targets: [target({ hasPrevious: false })] },
    "refuse: payments has no revision before to go back to",
  ],
  [
    "a value that its owner does not allow to be set",
    { plan: { ...plan, steps: [CONFIG] }, targets: [target({ configNames: ["memory"] })] },
    "refuse: payments does not allow POOL_SIZE to be set; it allows memory",
  ],
  [
    "a value that its owner allows to be set",
    { plan: { ...plan, steps: [CONFIG] }, targets: [target({ configNames: ["POOL_SIZE"] })] },
    "allow:",
  ],
  ["a lock", { targets: [target({ lockedBy: "run_0" })] }, "refuse: payments is locked by the run run_0"],
  ["its own lock", { targets: [target({ lockedBy: "run_now" })] }, "allow:"],
  [
    "no sample",
    { targets: [target({ lastSampleAt: undefined as never })] },
    "refuse: there is no sample of payments: nobody could see what an action does",
  ],
  ["a sample of two minutes", { targets: [target({ lastSampleAt: NOW - 120_000 })] }, "allow:"],
  [
    "an older sample",
    { targets: [target({ lastSampleAt: NOW - 121_000 })] },
    "refuse: the youngest sample of payments is 121 s old; at most 120 s",
  ],
  [
    "the last healthy replica that works",
    { targets: [target({ broken: false })] },
    "refuse: it would take the last healthy replica of payments, which works",
  ],
  ["the only replica, down", { targets: [target({ broken: false, replicas: { total: 1, healthy: 0 } })] }, "allow:"],
  ["two of ten", { targets: [target({ broken: false, replicas: { total: 10, healthy: 10 }, taken: 2 })] }, "allow:"],
  [
    "three of ten",
    { targets: [target({ broken: false, replicas: { total: 10, healthy: 10 }, taken: 3 })] },
    "refuse: it takes 3 of 10 replicas of payments at once; at most 2",
  ],
  [
    "one of two, the other ill",
    { targets: [target({ broken: false, replicas: { total: 2, healthy: 1 }, taken: 1 })] },
    "refuse: it would take the last healthy replica of payments, which works",
  ],
  [
    "all of three that are broken",
    { targets: [target({ replicas: { total: 3, healthy: 3 }, taken: 3 })] },
    "needs-approval: it takes 3 of 3 replicas of payments at once; 1 by itself",
  ],
  ["text that reads alike", { matched: "text" }, "needs-approval: the runbook only reads like the incident"],
  ["a runbook of no match", { matched: "none" }, "needs-approval: the runbook's rules do not match the incident"],
  ["what cannot be undone", { plan: { ...plan, reversibility: "irreversible" } }, "needs-approval: it cannot be undone"],
  [
    "what is only made up for",
    { plan: { ...plan, reversibility: "compensated" } },
    "needs-approval: what undoes it is not the inverse of what it does",
  ],
  ["a question", { plan: { ...plan, questions: ["Really?"] } }, "needs-approval: it asks: Really?"],
  ["a high risk", { plan: { ...plan, risk: "high" } }, "needs-approval: autonomy L2 acts after an approval: its risk is high"],
  ["a runbook that only proposes", { plan: { ...plan, autonomy: "L1" } }, "refuse: autonomy L1 only proposes: the runbook allows L1"],
  [
    "two targets",
    { plan: { ...plan, targets: ["cart", "payments"] }, targets: [target(), target({ id: "cart" })] },
    "refuse: it acts on 2 targets; at most 1 at once",
  ],
  ["a storm", { incidentsInFiveMinutes: 10 }, "refuse: autonomy L1 only proposes: 10 incidents within five minutes are a storm"],
  ["nine incidents", { incidentsInFiveMinutes: 9 }, "allow:"],
  [
    "a spent error budget",
    { errorBudget: { ...budget, burnRate: 1, exhausted: true } },
    "refuse: the error budget of payments (0.99) is used up: only runbooks tagged mitigation run now",
  ],
  [
    "a fast burn",
    { errorBudget: { ...budget, burnRate: 14.5 } },
    "refuse: the error budget of payments (0.99) burns 14.5 times too fast: only runbooks tagged mitigation run now",
  ],
  ["a fast burn that it mitigates", { errorBudget: { ...budget, burnRate: 14.5 }, plan: { ...plan, tags: ["mitigation"] } }, "allow:"],
  [
    "a fast burn that a risky run would mitigate",
    { errorBudget: { ...budget, burnRate: 14.5 }, plan: { ...plan, tags: ["mitigation"], risk: "high" } },
    "needs-approval: the error budget of payments (0.99) burns 14.5 times too fast, and what would mitigate is of high risk; autonomy L2 acts after an approval: its risk is high",
  ],
  [
    "another run on the target",
    { runs: [past(MINUTE, { state: "running", targets: ["payments"], id: "run_0" })] },
    "refuse: the run run_0 acts on payments now",
  ],
  [
    "three runs elsewhere",
    { runs: [1, 2, 3].map((n) => past(MINUTE, { state: "running", targets: [`s${n}`] })) },
    "refuse: 3 runs act now; at most 3",
  ],
  ["two runs elsewhere", { runs: [1, 2].map((n) => past(MINUTE, { state: "running", targets: [`s${n}`] })) }, "allow:"],
  [
    "three actions on the service in the hour",
    { runs: [10, 20, 59].map((n) => past(n * MINUTE, { targets: ["payments"] })) },
    "refuse: 3 actions on payments in the last hour; at most 3",
  ],
  ["the third just over an hour ago", { runs: [10, 20, 60].map((n) => past(n * MINUTE, { targets: ["payments"] })) }, "allow:"],
  [
    "twenty actions in the hour",
    { runs: Array.from({ length: 20 }, (_, n) => past((n + 10) * MINUTE, { targets: [`s${n}`] })) },
    "refuse: 20 actions in the last hour; at most 20",
  ],
  [
    "an end that nobody knows",
    { runs: [past(2 * HOUR, { state: "unknown", targets: ["payments"], id: "run_0" })] },
    "needs-approval: nobody knows how the run run_0 on payments ended",
  ],
  [
    "one that was followed by a good end",
    { runs: [past(HOUR, { targets: ["payments"] }), past(2 * HOUR, { state: "unknown", targets: ["payments"] })] },
    "allow:",
  ],
])("%s", (_, change, expected) => {
  expect(verdictOf(production(change))).toBe(expected);
});

test("a cool-down grows with each repeat: five, ten, twenty, sixty minutes", () => {
  const after = (times: number, agoMs: number) =>
    verdictOf(
      production({
        runs: Array.from({ length: times }, (_, n) =>
          past(agoMs + n * 61 * MINUTE, { runbook: "sample", targets: ["payments"], finishedAt: NOW - agoMs }),
        ),
      }),
    );
  for (const [times, minutes] of [
    [1, 5],
    [2, 10],
    [3, 20],
    [4, 60],
    [5, 60],
  ] as const) {
    expect(after(times, minutes * MINUTE - 1), `${times} runs`).toMatch(/^refuse: sample ran on payments/);
    expect(after(times, minutes * MINUTE), `${times} runs`).toBe("allow:");
  }
});

test("a cool-down that ends soon is worth waiting for, a long one is not", () => {
  const retry = (agoMs: number) =>
    decide(production({ runs: [past(agoMs, { runbook: "sample", targets: ["payments"], finishedAt: NOW - agoMs })] }), L3).retryInMs;
  expect(retry(5 * MINUTE - 10_000)).toBe(10_000);
  expect(retry(MINUTE)).toBeUndefined();
});

test("three failures in a row rest a runbook for an hour, five until a person re-enables it", () => {
  const failed = (times: number, agoMs: number) =>
    Array.from({ length: times }, (_, n) =>
      past(agoMs + n * 24 * HOUR, { runbook: "sample", state: "failed", targets: [`t${n}`], finishedAt: NOW - agoMs - n }),
    );
  const lenient = PolicyConfig.parse({ autonomy: "L3", limits: { demoteAfterFailures: 0 } });
  expect(verdictOf(production({ runs: failed(2, MINUTE) }), lenient)).toBe("allow:");
  expect(verdictOf(production({ runs: failed(3, HOUR - 1) }), lenient)).toBe("refuse: sample failed 3 times in a row: it rests for 60 min");
  expect(verdictOf(production({ runs: failed(3, HOUR) }), lenient)).toBe("allow:");
  expect(verdictOf(production({ runs: failed(5, HOUR) }), lenient)).toBe(
    "refuse: sample failed 5 times in a row: it is off until a person re-enables it",
  );
  expect(verdictOf(production({ runs: failed(5, HOUR), reenabledAt: NOW - 1 }), lenient)).toBe("allow:");
  expect(verdictOf(production({ runs: [past(30 * MINUTE, { runbook: "sample" }), ...failed(5, HOUR)] }), lenient)).toBe("allow:");
});

test("one regression or two failures take the right to run by itself", () => {
  const runs = (...changes: Partial<RunFacts>[]) => changes.map((change, n) => past((n + 2) * 24 * HOUR, { runbook: "sample", ...change }));
  expect(verdictOf(production({ runs: runs({ state: "failed" }) }))).toBe("allow:");
  expect(verdictOf(production({ runs: runs({ state: "failed" }, {}, { state: "failed" }) }))).toMatch(
    /^needs-approval: autonomy L2 .* 1 of 3 runs helped/,
  );
  expect(verdictOf(production({ runs: runs({ state: "failed", regressed: true }) }))).toMatch(/^needs-approval: .*1 made it worse/);
  expect(verdictOf(production({ runs: [past(30 * 24 * HOUR, { runbook: "sample", state: "failed", regressed: true })] }))).toBe("allow:");
});

test("a promotion to L3 holds only with the record for it", () => {
  const policy = PolicyConfig.parse({
    promotions: [{ runbook: "sample", environment: "production", by: "alice", at: "2026-03-01T00:00:00Z" }],
  });
  const good = (times: number) => Array.from({ length: times }, (_, n) => past((n + 7) * HOUR, { runbook: "sample", targets: [`t${n}`] }));
  expect(decide(production({ runs: good(19) }), policy).autonomy).toBe("L2");
  expect(decide(production({ runs: good(20) }), policy)).toMatchObject({ autonomy: "L3", verdict: "allow" });
  expect(decide(facts({ environment: "staging", runs: good(20) }), policy).autonomy).toBe("L2");
  const limits = Limits.parse({});
  expect(recordOf("sample", [...good(19), past(HOUR, { runbook: "sample", state: "failed" })], NOW, limits)).toMatchObject({
    runs: 20,
    succeeded: 19,
    mayBePromoted: true,
    isDemoted: false,
  });
  expect(recordOf("sample", [...good(18), past(HOUR, { runbook: "sample", state: "failed" })], NOW, limits).mayBePromoted).toBe(false);
});

test("of several rules the strictest holds", () => {
  const policy = PolicyConfig.parse({
    autonomy: "L3",
    rules: [
      { service: "payments", level: "L2" },
      { severity: "info", level: "L0" },
      { runbook: "sample", environment: "production", level: "L3" },
    ],
  });
  expect(decide(production(), policy).autonomy).toBe("L2");
  expect(decide(production({ severity: "info" }), policy)).toMatchObject({ autonomy: "L0", verdict: "refuse" });
});

test("a yes is bound to the digest, and satisfies every question at once but no refusal", () => {
  const yes = { digest: plan.digest, by: "alice", emergency: false };
  const asks = production({ matched: "none", incidentState: "escalated", plan: { ...plan, questions: ["?"] } });
  expect(decide(asks, L3).verdict).toBe("needs-approval");
  expect(decide({ ...asks, approval: yes }, L3).verdict).toBe("allow");
  expect(decide({ ...asks, approval: { ...yes, digest: "sha256:other" } }, L3).verdict).toBe("needs-approval");
  expect(decide({ ...asks, approval: yes, redButton: { on: true, reason: "" } }, L3).verdict).toBe("refuse");
});

test("freezes hold from their first to before their last minute, over midnight and by environment", () => {
  const at = (time: string) => Date.parse(time);
  const once = { reason: "x", from: "2026-03-02T10:00:00Z", to: "2026-03-02T12:00:00Z" };
  expect(isFrozen(once, at("2026-03-02T10:00:00Z"))).toBe(true);
  expect(isFrozen(once, at("2026-03-02T12:00:00Z"))).toBe(false);
  const night = { reason: "x", days: ["fri" as const], from: "22:00", to: "06:00" };
  expect(isFrozen(night, at("2026-03-06T22:00:00Z"))).toBe(true);
  expect(isFrozen(night, at("2026-03-07T05:59:00Z"))).toBe(true);
  expect(isFrozen(night, at("2026-03-07T06:00:00Z"))).toBe(false);
  expect(isFrozen(night, at("2026-03-06T05:00:00Z"))).toBe(false);
  const policy = PolicyConfig.parse({ autonomy: "L3", freezes: [{ ...once, to: "2026-03-03T00:00:00Z", environments: ["production"] }] });
  expect(decide(production(), policy)).toMatchObject({ verdict: "needs-approval", emergencyOnly: true });
  const yes = { digest: plan.digest, by: "alice", emergency: false };
  expect(decide(production({ approval: yes }), policy).verdict).toBe("needs-approval");
  expect(decide(production({ approval: { ...yes, emergency: true } }), policy).verdict).toBe("allow");
  expect(decide(facts({ environment: "staging" }), policy).verdict).toBe("allow");
});

test("limits of an environment replace the general ones, and one that there is not is refused", () => {
  const policy = PolicyConfig.parse({ limits: { globalPerHour: 5 }, environments: { lab: { limits: { perServicePerHour: 9 } } } });
  expect(limitsOf(policy, "lab")).toMatchObject({ globalPerHour: 5, perServicePerHour: 9 });
  expect(limitsOf(policy, "production")).toMatchObject({ globalPerHour: 5, perServicePerHour: 3 });
  expect(() => limitsOf(PolicyConfig.parse({ environments: { lab: { limits: { perHour: 9 } } } }), "lab")).toThrow(/perHour/);
});

test("admitting one after another never exceeds a limit, whatever is asked for and when", () => {
  const ask = fc.record({
    service: fc.integer({ min: 0, max: 5 }),
    waitMs: fc.integer({ min: 0, max: 20 * MINUTE }),
    runsMs: fc.integer({ min: 1, max: 10 * MINUTE }),
    ok: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(ask, { maxLength: 120 }), (asks) => {
      let now = NOW;
      const runs: { id: string; startedAt: number; endsAt: number; target: string; ok: boolean }[] = [];
      for (const [n, { service, waitMs, runsMs, ok }] of asks.entries()) {
        now += waitMs;
        const id = `svc-${service}`;
        const known: RunFacts[] = runs.map((run) => ({
          id: run.id,
          runbook: "sample",
          state: run.endsAt > now ? "running" : run.ok ? "succeeded" : "failed",
          startedAt: run.startedAt,
          ...(run.endsAt > now ? {} : { finishedAt: run.endsAt }),
          targets: [run.target],
          regressed: false,
        }));
        const f = production({ now, runs: known, plan: { ...plan, targets: [id] }, targets: [target({ id, lastSampleAt: now })] });
        if (decide(f, L3).verdict === "allow") runs.push({ id: `r${n}`, startedAt: now, endsAt: now + runsMs, target: id, ok });
        const running = runs.filter((run) => run.endsAt > now);
        const lastHour = runs.filter((run) => run.startedAt > now - HOUR);
        expect(running.length).toBeLessThanOrEqual(3);
        expect(new Set(running.map((run) => run.target)).size).toBe(running.length);
        expect(lastHour.length).toBeLessThanOrEqual(20);
        for (let s = 0; s <= 5; s++) {
          const here = runs.filter((run) => run.target === `svc-${s}`);
          expect(here.filter((run) => run.startedAt > now - HOUR).length).toBeLessThanOrEqual(3);
          for (let i = 1; i < here.length; i++)
            expect((here[i]?.startedAt ?? 0) - (here[i - 1]?.endsAt ?? 0)).toBeGreaterThanOrEqual(5 * MINUTE);
        }
      }
    }),
    { numRuns: 200 },
  );
});
