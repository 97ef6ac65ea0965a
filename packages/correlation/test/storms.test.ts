// Scripted storms: what fires when, and which incidents with which roots and reasons have to come of it.
import { describe, expect, test } from "vitest";
import { correlate, createWorkingSet, type LiveIncident, rankRoots, type WorkingSet } from "../src/index.ts";
import { type AlertScript, alert, graphOf, groups, shopSet } from "./alerts.ts";

/** One message at a time, as they fire. */
function play(set: WorkingSet, scripts: readonly AlertScript[]) {
  const inOrder = [...scripts].sort((a, b) => (a.endsAt ?? a.at ?? 0) - (b.endsAt ?? b.at ?? 0));
  return inOrder.map((script) => correlate(set, [alert(script)]));
}
const only = (set: WorkingSet): LiveIncident => {
  expect(groups(set)).toHaveLength(1);
  return [...set.incidents.values()][0] as LiveIncident;
};
const roleOf = (incident: LiveIncident, service: string) =>
  [...incident.members.values()].filter((each) => each.service === service).map((each) => incident.roles.get(each.fingerprint));

describe("cascade", () => {
  const cascade: AlertScript[] = [
    { name: "MemoryGrowing", service: "payments", at: 0, severity: "critical" },
    { name: "HighLatency", service: "payments", at: 20 },
    { name: "HighErrorRate", service: "checkout", at: 30 },
    { name: "HighErrorRate", service: "storefront", at: 45 },
  ];

  test("becomes one incident that names the deepest service as root and its callers as symptoms", () => {
    const set = shopSet();
    play(set, cascade);
    const incident = only(set);
    expect(incident.title).toBe("payments: MemoryGrowing (+3 symptoms)");
    expect(roleOf(incident, "payments")).toEqual(["root", "member"]);
    expect(roleOf(incident, "checkout")).toEqual(["symptom"]);
    expect(roleOf(incident, "storefront")).toEqual(["symptom"]);
    expect(rankRoots(incident, set.graph).map(({ node }) => node)).toEqual(["payments", "checkout", "storefront"]);
    expect(rankRoots(incident, set.graph)[0]?.reasons.map(({ kind }) => kind)).toEqual(["topology-direction", "signature", "onset"]);
  });

  test("does so too when the symptoms are told first", () => {
    const set = shopSet();
    play(
      set,
      cascade.map((script, index) => ({ ...script, at: (cascade.length - index) * 10 })),
    );
    expect(only(set).title).toBe("payments: MemoryGrowing (+3 symptoms)");
  });

  test("does so too when everything fires in one moment and one batch", () => {
    const set = shopSet();
    correlate(
      set,
      cascade.map((script) => alert({ ...script, at: 0 })),
    );
    expect(only(set).root?.service).toBe("payments");
  });

  test("every membership stores what spoke for it, with its weight", () => {
    const set = shopSet();
    const [, , third] = play(set, cascade);
    expect(third?.members[0]?.reasons).toEqual([
      { kind: "topology", weight: 0.6, text: "checkout depends on payments, 1 call away" },
      { kind: "time", weight: 0.242, text: "10 s apart" },
    ]);
  });
});

describe("two unrelated faults at once", () => {
  const faults: AlertScript[] = [
    { name: "MemoryGrowing", service: "payments", at: 0 },
    { name: "CpuSpinning", service: "catalog", at: 1 },
    { name: "HighErrorRate", service: "checkout", at: 10 },
    { name: "HighErrorRate", service: "storefront", at: 20 },
  ];

  test("stay apart although a common caller suffers from both", () => {
    const set = shopSet();
    play(set, faults);
    expect([...set.incidents.values()].map(({ root }) => root?.service).sort()).toEqual(["catalog", "payments"]);
  });

  test("stay apart when the common caller fires first", () => {
    const set = shopSet();
    play(
      set,
      faults.map((script) => (script.service === "storefront" ? { ...script, at: 0 } : { ...script, at: (script.at ?? 0) + 5 })),
    );
    const withRoots = [...set.incidents.values()].map((incident) => incident.root?.service).sort();
    expect(withRoots).toEqual(["catalog", "payments"]);
  });

  test("stay apart when both depend on a name server that hundreds of others depend on", () => {
    const calls: Record<string, string[]> = { payments: ["dns"], catalog: ["dns"] };
    for (let i = 0; i < 200; i++) calls[`other-${i}`] = ["dns"];
    const set = createWorkingSet("default", graphOf(calls));
    play(set, [
      { name: "HighErrorRate", service: "payments" },
      { name: "HighErrorRate", service: "catalog", at: 1 },
    ]);
    expect(groups(set)).toHaveLength(2);
  });
});

test("a silent dependency of all that suffer ties them together", () => {
  const set = createWorkingSet("default", graphOf({ payments: ["ledger-db"], refunds: ["ledger-db"], invoices: ["ledger-db"] }));
  const [, second] = play(
    set,
    ["payments", "refunds", "invoices"].map((service, index) => ({ name: "HighErrorRate", service, at: index })),
  );
  const incident = only(set);
  expect(incident.members.size).toBe(3);
  expect(second?.members[0]?.reasons[0]).toMatchObject({ kind: "common-dependency" });
});

describe("shared host", () => {
  const onHost = (name: string, service: string | undefined, at: number): AlertScript => ({
    name,
    at,
    labels: { node: "worker-7" },
    ...(service === undefined ? {} : { service }),
  });

  test("a host that goes down takes its unrelated services into one incident", () => {
    const set = createWorkingSet("default");
    play(set, [
      onHost("NodeDown", undefined, 0),
      onHost("InstanceDown", "payments", 5),
      onHost("InstanceDown", "search", 6),
      onHost("InstanceDown", "mailer", 7),
      { name: "InstanceDown", service: "elsewhere", at: 8, labels: { node: "worker-1" } },
    ]);
    expect(groups(set)).toHaveLength(2);
    expect(groups(set)[0]).toHaveLength(4);
  });
});

describe("flapping", () => {
  const flaps: AlertScript[] = [];
  for (let i = 0; i < 5; i++) {
    flaps.push({ name: "HighErrorRate", service: "cart", at: i * 120 });
    flaps.push({ name: "HighErrorRate", service: "cart", at: i * 120, endsAt: i * 120 + 60 });
  }

  test("is one incident with few facts, and the alert says that it flaps", () => {
    const set = shopSet();
    const facts = play(set, flaps).flatMap((each) => each.facts);
    expect(only(set).members.size).toBe(1);
    expect([...set.alerts.values()][0]).toMatchObject({ flapping: true });
    expect(facts.map(({ kind }) => kind)).toEqual(["opened", "recovered", "refired", "flapping", "flapping", "flapping"]);
    expect(facts.at(-1)?.text).toMatch(/flapping, \d+ transitions in 30 min/);
  });

  test("firing and resolving once is not flapping", () => {
    const set = shopSet();
    play(set, flaps.slice(0, 2));
    expect([...set.alerts.values()][0]).toMatchObject({ flapping: false });
  });

  test("what belongs to an incident that has been closed since does not count", () => {
    const set = shopSet();
    for (const episode of [0, 1, 2, 3]) {
      play(set, flaps.slice(episode * 2, episode * 2 + 1));
      const told = play(set, flaps.slice(episode * 2 + 1, episode * 2 + 2)).flatMap((each) => each.facts);
      expect(
        told.map(({ kind }) => kind),
        `episode ${episode} recovers at once`,
      ).toEqual(["recovered"]);
      only(set).state = "closed";
      for (const incident of [...set.incidents.values()]) set.incidents.delete(incident.id);
    }
  });

  test("what a flapping alert did before its incident was closed is forgotten when it returns", () => {
    const set = shopSet();
    play(set, flaps.slice(0, 6));
    const before = only(set);
    expect([...set.held]).toHaveLength(1);
    before.state = "closed";
    set.incidents.delete(before.id);
    play(set, flaps.slice(6, 7));
    expect([...set.alerts.values()][0]).toMatchObject({ flapping: false, transitions: undefined });
    expect(set.held.size).toBe(0);
    expect(
      play(set, flaps.slice(7, 8))
        .flatMap((each) => each.facts)
        .map(({ kind }) => kind),
    ).toEqual(["recovered"]);
  });
});

describe("an incident that has recovered", () => {
  const fault: AlertScript = { name: "MemoryGrowing", service: "payments", at: 0 };
  const recovered = (state: LiveIncident["state"]) => {
    const set = shopSet();
    play(set, [fault, { ...fault, endsAt: 100 }]);
    only(set).state = state;
    return set;
  };
  const straggler = (seconds: number): AlertScript => ({ name: "HighLatency", service: "payments", at: 100 + seconds });

  test.each(["resolved", "escalated"] as const)("takes in stragglers while %s, and nothing that begins later", (state) => {
    const [soon, late] = [recovered(state), recovered(state)];
    play(soon, [straggler(30)]);
    expect(groups(soon)).toHaveLength(1);
    play(late, [straggler(30.001)]);
    expect(groups(late)).toHaveLength(2);
  });

  test("draws less and less while it is being verified", () => {
    const [soon, late] = [recovered("verifying"), recovered("verifying")];
    play(soon, [straggler(90)]);
    expect(groups(soon)).toHaveLength(1);
    play(late, [straggler(180)]);
    expect(groups(late)).toHaveLength(2);
  });

  test("takes its own alert back whenever it returns", () => {
    const set = recovered("escalated");
    play(set, [{ ...fault, at: 900 }]);
    expect(groups(set)).toHaveLength(1);
  });
});

test("a slow burn joins what still fires on the same service, and its late victims too", () => {
  const set = shopSet();
  play(set, [
    { name: "MemoryGrowing", service: "payments", at: 0 },
    { name: "HighLatency", service: "payments", at: 20 * 60 },
    { name: "HighErrorRate", service: "checkout", at: 40 * 60 },
  ]);
  expect(only(set).root?.name).toBe("MemoryGrowing");
});

test("an incident that has fired for a day takes in no new fault of its neighbours", () => {
  const set = shopSet();
  play(set, [
    { name: "CertificateExpiring", service: "payments", at: 0, severity: "info" },
    { name: "HighErrorRate", service: "checkout", at: 86_400 },
  ]);
  expect(groups(set)).toHaveLength(2);
});

test("an alert that belongs to two incidents makes them one when one root explains the other", () => {
  const set = createWorkingSet("default", graphOf({ a: ["b"], b: ["c"], c: ["d"], d: ["e"], e: ["f"], f: ["g"], g: ["h"] }));
  // Too far apart to see each other: seven calls.
  const [first, second] = play(set, [
    { name: "HighErrorRate", service: "a", at: 0 },
    { name: "CrashLooping", service: "h", at: 1 },
  ]);
  expect([first?.opened.size, second?.opened.size]).toEqual([1, 1]);
  const third = correlate(set, [alert({ name: "HighErrorRate", service: "d", at: 2 })]);
  expect(only(set).root?.service).toBe("h");
  expect(third.facts.map(({ kind }) => kind)).toEqual(["merged", "merged", "joined"]);
  expect(third.merged[0]?.reasons.length).toBeGreaterThan(0);
});
