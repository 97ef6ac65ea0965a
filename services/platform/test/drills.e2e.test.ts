import { type DrillView, IncidentView } from "@tocsin/contracts";
import { eventually } from "@tocsin/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type PlatformUnderTest, platformUnderTest } from "./platform-under-test.ts";

/** How long the fleet has to have run well before the first fault: what comes later is compared with it, in seconds. */
const BASELINE_SECONDS = 25;

describe("from alert to verified fix, in one process", () => {
  let platform: PlatformUnderTest;
  let labUrl: string;

  beforeAll(async () => {
    platform = await platformUnderTest("drills");
    labUrl = platform.host.config.host.labUrl;
  });
  afterAll(() => platform.stop());
  // What one drill leaves to a person, a person ends: it must not take in the alerts of the next.
  afterEach(async () => {
    const { items } = await platform.get<{ items: { id: string; state: string }[] }>("/api/v1/incidents?limit=200");
    for (const { id, state } of items) if (state !== "closed") await platform.post(`/api/v1/incidents/${id}/close`, { by: "test" });
  });

  /** The fleet answers, has done so for a while, and no alert but the watchdog is left. */
  const isCalm = async (): Promise<true | undefined> => {
    const { items } = (await (await fetch(`${labUrl}/v1/services`)).json()) as {
      items: { replicas: { healthy: boolean; startedAt: string }[] }[];
    };
    const isWell = items.length >= 6 && items.every(({ replicas }) => replicas.every(({ healthy }) => healthy));
    const youngest = Math.max(...items.flatMap(({ replicas }) => replicas.map(({ startedAt }) => Date.parse(startedAt))));
    const firing = await platform.get<{ items: { name: string }[] }>("/api/v1/alerts?status=firing");
    const isQuiet = firing.items.every(({ name }) => name === "Watchdog");
    return isWell && isQuiet && Date.now() - youngest > BASELINE_SECONDS * 1_000 ? true : undefined;
  };

  test.each([
    ["memory-leak", "payments", "target.restart"],
    ["crash-loop", "inventory", "target.rollback"],
    ["error-burst", "catalog", "target.rollback"],
    ["latency", "inventory", "target.restart"],
    ["hang", "payments", "target.restart"],
    ["cpu-spin", "cart", "target.restart"],
  ])(
    "%s on %s is found, answered by %s, verified and closed",
    async (fault, target, action) => {
      await eventually("the fleet is calm", isCalm, 90_000);
      const { status, body: started } = await platform.post<DrillView>("/api/v1/drills", { fault, target, seconds: 240 });
      expect(status).toBe(201);

      const drill = await eventually(
        `the drill ${fault} ends`,
        async () => {
          const view = await platform.get<DrillView>(`/api/v1/drills/${started.id}`);
          return view.state === "running" ? undefined : view;
        },
        250_000,
      );
      expect(drill).toMatchObject({
        state: "passed",
        cause: { expected: target, found: target, right: true },
        action: { taken: action, right: true },
      });
      const marks = (["injected", "fired", "incident", "cause", "action", "verified", "closed"] as const).map((mark) =>
        Date.parse(drill.at[mark] ?? ""),
      );
      expect(marks).toEqual([...marks].sort((a, b) => a - b));

      const incident = IncidentView.parse(await platform.get(`/api/v1/incidents/${drill.incidentId}`));
      expect(incident).toMatchObject({ state: "closed", verdict: "cause" });
      expect(incident.members.every(({ status }) => status === "resolved")).toBe(true);
      expect(incident.members.every(({ reasons }) => reasons.length > 0)).toBe(true);
      expect(incident.causes[0]?.evidence.length).toBeGreaterThan(0);
      expect(incident.runs.at(-1)).toMatchObject({ state: "succeeded" });
      expect(incident.analysis).toContain(target);
      const moves = incident.timeline.map(({ kind }) => kind);
      for (const kind of ["opened", "investigating", "mitigating", "verifying", "resolved", "closed"]) expect(moves).toContain(kind);
    },
    360_000,
  );

  test("every alert that was taken has exactly one outcome, and the stream tells an incident from its first event", async () => {
    const { items } = await platform.get<{ items: { outcome: string; reason?: string; incidentId?: string }[] }>(
      "/api/v1/alerts?limit=200",
    );
    expect(items.length).toBeGreaterThan(6);
    for (const alert of items) {
      if (alert.outcome === "incident") expect(alert.incidentId).toBeDefined();
      else expect(alert.reason).toBeTruthy();
    }
    const incidents = await platform.get<{ items: { id: string }[] }>("/api/v1/incidents?limit=1");
    const abort = new AbortController();
    const answer = await fetch(`${platform.host.address}/api/v1/incidents/${incidents.items[0]?.id}/stream`, { signal: abort.signal });
    let text = "";
    for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString();
      if (text.includes('"kind":"closed"')) break;
    }
    abort.abort();
    expect(text.indexOf('"kind":"opened"')).toBeLessThan(text.indexOf('"phase":"gather"'));
    expect(text.indexOf('"phase":"diagnose"')).toBeLessThan(text.indexOf('"phase":"plan"'));
  });

  test("an unknown fault or target is refused with the known names", async () => {
    expect(await platform.post("/api/v1/drills", { fault: "meteor", target: "payments" })).toMatchObject({
      status: 404,
      body: { code: "FAULT_UNKNOWN", known: expect.arrayContaining(["hang"]) },
    });
    expect(await platform.post("/api/v1/drills", { fault: "hang", target: "moon" })).toMatchObject({
      status: 404,
      body: { code: "TARGET_UNKNOWN", known: expect.arrayContaining(["cart"]) },
    });
  });

  test("a malformed delivery is answered 202 and kept in quarantine with the reason", async () => {
    const answer = await fetch(`${platform.host.address}/webhooks/alertmanager`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"version":"4", "alerts":[',
    });
    expect(answer.status).toBe(202);
    expect(await answer.json()).toMatchObject({ accepted: 0, quarantined: 1 });
    const { items } = await platform.get<{ items: { reason: string }[] }>("/api/v1/quarantine");
    expect(items[0]?.reason).toBeTruthy();
  });
});
