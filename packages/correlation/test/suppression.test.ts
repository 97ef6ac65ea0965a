import { expect, test } from "vitest";
import { correlate, DEFAULT_CORRELATION, releaseQuiet, returnSuppressed, ruleSuppressor, type SuppressionRule } from "../src/index.ts";
import { type AlertScript, alert, groups, iso, START, shopSet } from "./alerts.ts";

const silence = (over: Partial<SuppressionRule> = {}): SuppressionRule => ({
  id: "s1",
  kind: "silence",
  matcher: 'service == "payments"',
  schedule: { kind: "once", from: iso(START - 1_000), to: iso(START + 600_000) },
  owner: "ada",
  reason: "load test",
  ...over,
});
const leak: AlertScript = { name: "MemoryGrowing", service: "payments", at: 10 };
const errors: AlertScript = { name: "HighErrorRate", service: "checkout", at: 20 };
const returning = (script: AlertScript, atSeconds: number) => ({
  fingerprint: alert(script).fingerprint,
  alert: { annotations: {}, dedupeKey: `sha256:${"ab".repeat(32)}` },
  at: START + atSeconds * 1_000,
});

test("a silenced alert opens nothing and names its silence, its owner and the reason", () => {
  const set = shopSet();
  const { alerts } = correlate(set, [alert(leak), alert(errors)], { suppress: ruleSuppressor([silence()]) });
  expect(alerts[0]).toMatchObject({ effect: "suppressed", outcome: "suppressed" });
  expect(alerts[0]?.reason).toBe(`silence:s1: silenced by ada until ${iso(START + 600_000)}: load test`);
  expect(groups(set)).toEqual([["checkout:HighErrorRate"]]);
});

test("whether a rule holds is asked of when the message came, not of when the alert says it began", () => {
  const set = shopSet();
  const late = { ...alert(leak), receivedAt: iso(START + 700_000) };
  const { alerts } = correlate(set, [late], { suppress: ruleSuppressor([silence()]) });
  expect(alerts[0]?.effect).toBe("started");
});

test("a rule that does not compile holds nothing back, and the first of two that match is named", () => {
  const set = shopSet();
  const suppress = ruleSuppressor([
    silence({ id: "broken", matcher: "service ==" }),
    silence({ id: "s2", kind: "maintenance" }),
    silence(),
  ]);
  const { alerts } = correlate(set, [alert(leak)], { suppress });
  expect(alerts[0]?.reason).toBe("maintenance:s2: maintenance by ada: load test");
});

test("what is in a live incident stays in sight when a silence comes later", () => {
  const set = shopSet();
  correlate(set, [alert(leak)]);
  correlate(set, [alert({ ...leak, endsAt: 30 })]);
  const { alerts } = correlate(set, [alert({ ...leak, at: 60 })], { suppress: ruleSuppressor([silence()]) });
  expect(alerts[0]?.effect).toBe("refired");
});

test("what still fires after its silence comes back into the incident it belongs to, with the reason", () => {
  const set = shopSet();
  correlate(set, [alert(leak), alert(errors)], { suppress: ruleSuppressor([silence()]) });
  const back = returnSuppressed(set, [returning(leak, 600)], DEFAULT_CORRELATION);
  expect(groups(set)).toEqual([["checkout:HighErrorRate", "payments:MemoryGrowing"]]);
  expect([...set.incidents.values()][0]?.root?.service).toBe("payments");
  expect(back.reasons.get(alert(leak).fingerprint)).toMatch(
    /^still fires after it was held back \(silence:s1: .*\): checkout depends on payments/,
  );
});

test("what was resolved under its silence does not come back, and coming back twice is once", () => {
  const set = shopSet();
  const suppress = ruleSuppressor([silence()]);
  correlate(set, [alert(leak), alert({ ...leak, endsAt: 100 }), alert({ ...errors, service: "payments" })], { suppress });
  expect(returnSuppressed(set, [returning(leak, 600)], DEFAULT_CORRELATION).states.size).toBe(0);
  const other = returning({ ...errors, service: "payments" }, 600);
  expect(returnSuppressed(set, [other], DEFAULT_CORRELATION).opened.size).toBe(1);
  expect(returnSuppressed(set, [other], DEFAULT_CORRELATION).opened.size).toBe(0);
});

test("a watchdog does not come back when a silence ends, nor does a quiet one release anything", () => {
  const set = shopSet();
  correlate(set, [alert({ name: "Watchdog" })]);
  expect(releaseQuiet(set, START + 1e9, DEFAULT_CORRELATION).facts).toEqual([]);
  expect(set.incidents.size).toBe(0);
});
