import { openBus } from "@tocsin/bus";
import { ALERT_TOPICS, type Alert, type Envelope } from "@tocsin/contracts";
import { silentLogger } from "@tocsin/runtime";
import { openStore } from "@tocsin/store";
import { eventually } from "@tocsin/testkit";
import { expect, test } from "vitest";
import { assemble, delivery, type FakeBus, firing } from "./assembly.ts";

test("what is answered 202 reaches a consumer of the embedded bus, normalised and in order", async () => {
  const store = await openStore({ url: "embedded:memory", log: silentLogger });
  const bus = await openBus({ url: "embedded:", sql: store.sql, log: silentLogger });
  const got: Envelope[] = [];
  await bus.subscribe({
    group: "tocsin.test",
    topics: ALERT_TOPICS,
    handle: async ({ events }) => {
      got.push(...events);
    },
  });
  const bridge = await assemble(store, {}, bus as unknown as FakeBus);
  try {
    for (let i = 0; i < 3; i++) {
      const members = Array.from({ length: 40 }, (_, n) => firing({ instance: `${i}-${n}` }));
      expect(await bridge.post("/webhooks/alertmanager", delivery(...members))).toMatchObject({ status: 202, body: { accepted: 40 } });
    }
    await eventually("all 120 are delivered", () => (got.length >= 120 ? true : undefined));
    const order = got.map(({ data }) => (data as Alert).labels["instance"]);
    expect(order).toEqual([0, 1, 2].flatMap((i) => Array.from({ length: 40 }, (_, n) => `${i}-${n}`)));
  } finally {
    await bridge.stop();
    await bus.close();
    await store.close();
  }
});
