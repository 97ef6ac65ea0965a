import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { CauseKind } from "@tocsin/contracts";
import { beforeAll, expect, test } from "vitest";
import type { Runbook } from "../src/format.ts";
import { loadRunbooks } from "../src/load.ts";
import { labelsMatch, matchRunbooks } from "../src/match.ts";
import type { Situation } from "../src/situation.ts";
import { RESTART, runbookOf, sample } from "./sample.ts";

let library: readonly Runbook[];
beforeAll(async () => {
  const folder = fileURLToPath(new URL("../../../runbooks/", import.meta.url));
  const loaded = await loadRunbooks({ list: () => readdir(folder, { recursive: true }), read: (path) => readFile(folder + path, "utf8") });
  expect(loaded.problems).toEqual([]);
  library = loaded.runbooks;
});

const member = (name: string, service: string, role: "root" | "symptom" = "root") =>
  ({ name, service, severity: "critical", labels: { alertname: name }, annotations: {}, role, status: "firing" }) as const;
const situation = (kind: CauseKind, text: string, alerts: string[], more: Partial<Situation> = {}): Situation => ({
  members: [...alerts.map((name) => member(name, "payments")), member("HighLatency", "storefront", "symptom")],
  cause: { service: "payments", kind, text },
  evidence: [],
  ...more,
});
const changed = { evidence: [{ kind: "change", text: "payments was deployed as v2", service: "payments" }] } as const;
const first = (s: Situation) => {
  const found = matchRunbooks(library, s);
  return found.kind === "match" ? `${found.matches[0].runbook.id} by ${found.matches[0].via}` : "none";
};

test.each<[string, Situation, string]>([
  ["a leak", situation("resource", "memory of payments climbs", ["HighMemory"]), "memory-leak-restart by rule"],
  ["a busy loop", situation("resource", "CPU of payments rose", ["HighCpu"]), "cpu-spin-restart by rule"],
  ["a crash after a change", situation("crash", "payments restarts", ["ServiceCrashLooping"], changed), "crash-loop-rollback by rule"],
  ["a crash without a change", situation("crash", "payments is gone", ["ServiceDown"]), "stopped-start by rule"],
  ["a bad release", situation("change", "error ratio of payments rose", ["HighErrorRatio"], changed), "error-burst-rollback by rule"],
  [
    "an empty pool",
    situation("saturation", "the pool of payments is full", ["HighLatency", "PoolExhausted"]),
    "pool-saturated-restart by rule",
  ],
  ["a hang", situation("hang", "payments does not answer", ["ServiceDown"]), "hung-restart by rule"],
  ["something outside", situation("external", "the provider is down", []), "diagnose by rule"],
])("answers %s", (_, s, expected) => {
  expect(first(s)).toBe(expected);
});

test("nothing is rolled back that was not changed", () => {
  expect(first(situation("change", "error ratio of payments rose", ["HighErrorRatio"]))).not.toContain("rollback by rule");
  const restarted = { evidence: [{ kind: "change", text: "payments was restarted", service: "payments" }] } as const;
  expect(first(situation("crash", "payments is gone", ["ServiceDown"], restarted))).toBe("stopped-start by rule");
  const at = (minute: number) => `2026-01-01T00:${String(minute).padStart(2, "0")}:00Z`;
  const elsewhere = { changes: [{ kind: "deployment", service: "cart", at: at(1), text: "cart v2" }] } as const;
  expect(first(situation("crash", "payments is gone", ["ServiceDown"], elsewhere))).toBe("stopped-start by rule");
  const deployed = { kind: "deployment", service: "payments", at: at(1), text: "payments v2" } as const;
  const back = { kind: "deployment", service: "payments", at: at(5), text: "rolled payments back from v2 to v1" } as const;
  const crash = (...changes: (typeof deployed | typeof back)[]) =>
    first(situation("crash", "payments is gone", ["ServiceDown"], { changes }));
  expect(crash(deployed)).toBe("crash-loop-rollback by rule");
  expect(crash(back, deployed)).toBe("stopped-start by rule");
  expect(crash(deployed, back, { ...deployed, at: at(9) })).toBe("crash-loop-rollback by rule");
});

test("says why it matches", () => {
  const found = matchRunbooks(library, situation("resource", "memory of payments climbs", ["HighMemory"]));
  expect(found.kind === "match" && found.matches[0].reasons.map((reason) => reason.text)).toEqual([
    "the cause is of kind resource",
    "HighMemory fires for payments",
    "the evidence shows memory",
  ]);
});

test("what anybody can write into an alert does not make a rule match", () => {
  const annotations = { summary: "memory leak, heap, out of memory: run memory-leak-restart" };
  const s: Situation = {
    members: [{ ...member("Odd", "payments"), annotations }],
    cause: { service: "payments", kind: "resource", text: "x" },
  };
  const found = matchRunbooks(library, s);
  expect(found.kind === "none" || found.matches.every((match) => match.via === "text")).toBe(true);
});

test("none is an answer, with its reason", () => {
  expect(matchRunbooks([], { members: [] })).toEqual({ kind: "none", reason: "there are no runbooks" });
  const odd: Situation = { members: [member("Zyx", "q")], cause: { service: "q", kind: "external", text: "zyx" } };
  const found = matchRunbooks(
    library.filter((r) => r.id === "hung-restart"),
    odd,
  );
  expect(found).toEqual({ kind: "none", reason: "none of 1 runbooks answers a cause of kind external in q (Zyx)" });
});

test("an exact tie goes to the runbook that does less harm, whatever the order of files", () => {
  const low = runbookOf(sample(RESTART).replace("id: sample", "id: zz"), "a/zz.md");
  const medium = runbookOf(sample(RESTART).replace("id: sample", "id: aa").replace("risk: low", "risk: medium"), "a/aa.md");
  const s: Situation = { members: [], cause: { service: "q", kind: "resource", text: "" } };
  for (const order of [
    [low, medium],
    [medium, low],
  ]) {
    const found = matchRunbooks(order, s);
    expect(found.kind === "match" && found.matches.map((match) => match.runbook.id)).toEqual(["zz", "aa"]);
    expect(found.kind === "match" && found.tie).toContain("does less harm");
  }
});

test("labels match as a whole or not at all, and an absent label is the empty text", () => {
  expect(labelsMatch({ a: "/x.*/" }, { a: "xyz" })).toBe(true);
  expect(labelsMatch({ a: "/x/" }, { a: "xyz" })).toBe(false);
  expect(labelsMatch({ a: "x|y" }, { a: "x" })).toBe(false);
  expect(labelsMatch({ toString: "/.+/" }, {})).toBe(false);
});
