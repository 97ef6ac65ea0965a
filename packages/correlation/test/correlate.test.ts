import { describe, expect, test } from "vitest";
import { correlate, createWorkingSet } from "../src/index.ts";
import { type AlertScript, alert, graphOf, groups, SHOP, shopSet } from "./alerts.ts";

const leak = { name: "MemoryGrowing", service: "payments", severity: "critical" } as const;
const feed = (set: ReturnType<typeof shopSet>, ...scripts: AlertScript[]) => scripts.map((script) => correlate(set, [alert(script)]));

describe("event time", () => {
  test("a late older firing never re-opens a newer resolved", () => {
    const set = shopSet();
    feed(set, leak, { ...leak, endsAt: 100 });
    const [late] = feed(set, { ...leak, at: 50 });
    expect(late?.alerts[0]).toMatchObject({ effect: "late", outcome: "incident" });
    expect(late?.facts).toEqual([]);
    expect(set.alerts.get(alert(leak).fingerprint)?.status).toBe("resolved");
  });

  test("a firing one millisecond after the resolution is a new episode of the same incident", () => {
    const set = shopSet();
    feed(set, leak, { ...leak, endsAt: 100 });
    expect(feed(set, { ...leak, at: 100 })[0]?.alerts[0]?.effect).toBe("late");
    const [again] = feed(set, { ...leak, at: 100.001 });
    expect(again?.alerts[0]?.effect).toBe("refired");
    expect(again?.facts.map(({ kind }) => kind)).toEqual(["refired"]);
    expect(set.incidents.size).toBe(1);
  });

  test("the resolution of an earlier episode does not end the present one", () => {
    const set = shopSet();
    feed(set, { ...leak, at: 200 });
    const [late] = feed(set, { ...leak, endsAt: 100 });
    expect(late?.alerts[0]?.effect).toBe("late");
    expect(set.alerts.get(alert(leak).fingerprint)?.status).toBe("firing");
  });

  test("inside a batch the order of messages does not matter", () => {
    const scripts = [leak, { name: "HighErrorRate", service: "checkout", at: 20 }, { ...leak, endsAt: 60 }, { ...leak, at: 90 }];
    const batch = scripts.map((script) => alert(script));
    const outcomes = [batch, [...batch].reverse(), [batch[2], batch[0], batch[3], batch[1]]].map((order) => {
      const set = shopSet();
      const { facts } = correlate(set, order as typeof batch);
      return { groups: groups(set), facts, ids: [...set.incidents.keys()] };
    });
    expect(outcomes[1]).toEqual(outcomes[0]);
    expect(outcomes[2]).toEqual(outcomes[0]);
  });

  test("a start in year 1 or in the future counts from when it was received", () => {
    const set = shopSet();
    feed(set, { ...leak, at: 0 });
    const odd = { ...alert({ name: "HighErrorRate", service: "checkout", at: 10 }), startsAt: "0001-01-01T00:00:00.000Z" };
    correlate(set, [odd]);
    const ahead = { ...alert({ name: "HighLatency", service: "storefront", at: 20 }), startsAt: "2026-01-01T09:00:00.000Z" };
    correlate(set, [ahead]);
    expect(groups(set)).toHaveLength(1);
  });
});

describe("identity", () => {
  test("triple delivery changes nothing", () => {
    const set = shopSet();
    const batch = [alert(leak)];
    correlate(set, [...batch, ...batch]);
    const again = correlate(set, batch, { known: new Set([batch[0]?.dedupeKey as string]) });
    expect(again).toMatchObject({ facts: [], members: [] });
    expect(again.states.size + again.changed.size).toBe(0);
    expect(again.alerts[0]).toMatchObject({ effect: "duplicate", outcome: "incident" });
  });

  test("a twin that saw it 40 seconds later counts once", () => {
    const set = shopSet();
    feed(set, leak);
    const [twin] = feed(set, { ...leak, at: 40 });
    expect(twin?.alerts[0]).toMatchObject({ effect: "same", outcome: "incident" });
    expect(twin?.facts).toEqual([]);
    feed(set, { ...leak, endsAt: 100 });
    const [secondEnd] = feed(set, { ...leak, at: 40, endsAt: 130 });
    expect(secondEnd?.facts).toEqual([]);
    expect([...set.incidents.values()][0]).toMatchObject({ firing: 0 });
  });

  test("a whole day replayed, in any order, opens nothing and tells nothing", () => {
    const day: AlertScript[] = [];
    for (let hour = 0; hour < 24; hour++) {
      const at = hour * 3600;
      for (const service of Object.keys(SHOP)) {
        day.push({ name: "HighErrorRate", service, at });
        day.push({ name: "HighErrorRate", service, at, endsAt: at + 300 });
      }
    }
    const set = shopSet();
    for (const script of day) correlate(set, [alert(script)]);
    const before = JSON.stringify(groups(set));
    // The dedupe keys are forgotten: event time alone has to hold.
    const replayed = [...day, ...[...day].reverse()].map((script) => correlate(set, [alert(script)]));
    expect(replayed.flatMap(({ facts }) => facts)).toEqual([]);
    expect(JSON.stringify(groups(set))).toBe(before);
  });

  test("alerts that differ in one label are two alerts", () => {
    const set = shopSet();
    feed(set, { ...leak, labels: { pod: "a" } }, { ...leak, labels: { pod: "b" } });
    expect([...set.incidents.values()][0]?.members.size).toBe(2);
  });
});

describe("outcomes", () => {
  test("an alert first seen resolved is suppressed and says so", () => {
    const [seen] = feed(shopSet(), { ...leak, endsAt: 10 });
    expect(seen?.alerts[0]).toMatchObject({ effect: "suppressed", outcome: "suppressed" });
    expect(seen?.alerts[0]?.reason).toMatch(/^resolved-unseen/);
    expect(seen?.facts).toEqual([]);
  });

  test("a watchdog opens no incident", () => {
    const set = shopSet();
    const [seen] = feed(set, { name: "Watchdog" });
    expect(seen?.alerts[0]?.reason).toMatch(/^watchdog/);
    expect(set.incidents.size).toBe(0);
  });

  test("the incident of an alert that returns after its incident closed refers to the old one", () => {
    const set = shopSet();
    feed(set, leak, { ...leak, endsAt: 60 });
    const [old] = [...set.incidents.values()];
    if (!old) throw new Error("no incident");
    old.state = "closed";
    const [again] = feed(set, { ...leak, at: 120 });
    expect(again?.facts).toMatchObject([{ kind: "opened", otherIncidentId: old.id }]);
    expect(again?.facts[0]?.text).toContain(old.id);
  });

  test("equal histories give equal incident ids", () => {
    const [a, b] = [shopSet(), shopSet()];
    feed(a, leak);
    feed(b, leak);
    expect([...a.incidents.keys()]).toEqual([...b.incidents.keys()]);
  });

  test("recovery is told once, when the last member resolves", () => {
    const set = shopSet();
    feed(set, leak, { name: "HighErrorRate", service: "checkout", at: 10 });
    const [first] = feed(set, { ...leak, endsAt: 100 });
    const [second] = feed(set, { name: "HighErrorRate", service: "checkout", at: 10, endsAt: 110 });
    expect(first?.facts).toEqual([]);
    expect(second?.facts.map(({ kind }) => kind)).toEqual(["recovered"]);
  });

  test("severity is that of the worst member", () => {
    const set = shopSet();
    feed(set, { name: "HighErrorRate", service: "checkout", severity: "info" }, { ...leak, at: 5 });
    expect([...set.incidents.values()][0]?.severity).toBe("critical");
  });
});

describe("without a topology", () => {
  test("alerts of one service come together and unknown services stay apart, however alike their rules are", () => {
    const set = createWorkingSet("default");
    for (let i = 0; i < 200; i++)
      correlate(set, [
        alert({ name: "HighErrorRate", service: `svc-${i}`, labels: { namespace: "prod" }, text: `errors on svc-${i}` }),
        alert({ name: "HighLatency", service: `svc-${i}`, at: 5, labels: { namespace: "prod" }, text: `slow svc-${i}` }),
      ]);
    expect(set.incidents.size).toBe(200);
  });

  test("an alert without service is grouped by its rule, its labels and its text", () => {
    const set = createWorkingSet("default");
    feed(
      set,
      { name: "KafkaConsumerLag", labels: { topic: "orders", namespace: "mq" } },
      { name: "KafkaConsumerLag", labels: { topic: "refunds", namespace: "mq" }, at: 5 },
    );
    expect(set.incidents.size).toBe(1);
  });

  test("a pod label stands for its workload", () => {
    const set = createWorkingSet("default", graphOf({ "checkout-service": ["payments-service"] }));
    feed(
      set,
      { name: "KubePodCrashLooping", labels: { pod: "payments-7d9f8b6c5-x2x4z" } },
      { name: "HighErrorRate", service: "checkout-service", at: 10 },
    );
    expect(groups(set)).toEqual([["checkout-service:HighErrorRate", "payments-7d9f8b6c5-x2x4z:KubePodCrashLooping"]]);
  });
});
