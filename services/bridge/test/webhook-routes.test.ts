import { silentLogger } from "@tocsin/runtime";
import { openStore, type Store } from "@tocsin/store";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Assembly, assemble, delivery, firing } from "./assembly.ts";

let store: Store;
beforeAll(async () => {
  store = await openStore({ url: "embedded:memory", log: silentLogger });
});
afterAll(() => store.close());
beforeEach(async () => {
  await store.sql.query("DELETE FROM bridge_inbox");
  await store.sql.query("DELETE FROM quarantine");
});

async function within(env: Record<string, string>, work: (bridge: Assembly) => Promise<void>): Promise<void> {
  const bridge = await assemble(store, env);
  try {
    await work(bridge);
  } finally {
    await bridge.stop();
  }
}

describe("an Alertmanager delivery", () => {
  test("is on the bus, normalised, when it is answered 202", () =>
    within({}, async ({ post, bus, alerts }) => {
      expect(await post("/webhooks/alertmanager", delivery(firing()))).toMatchObject({
        status: 202,
        body: { accepted: 1, duplicates: 0, quarantined: 0 },
      });
      expect(bus.events[0]).toMatchObject({ type: "dev.tocsin.alert.firing.v1", topic: "sre-critical", key: "default" });
      expect(alerts()[0]).toMatchObject({
        name: "HighErrorRate",
        service: "checkout",
        severity: "critical",
        status: "firing",
        startsAt: "2026-08-20T10:00:03.512Z",
        source: "alertmanager",
      });
      expect(alerts()[0]).not.toHaveProperty("endsAt");
    }));
});
