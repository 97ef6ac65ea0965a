import { silentLogger } from "@tocsin/runtime";
import { listQuarantined, openStore, type Store } from "@tocsin/store";
import { ALERTMANAGER_PROGRAMS, eventually, lacks, type RunningAlertmanager, startAlertmanager } from "@tocsin/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Assembly, assemble } from "./assembly.ts";

describe.skipIf(lacks(...ALERTMANAGER_PROGRAMS))("a real Alertmanager", () => {
  let store: Store;
  let bridge: Assembly;
  let alertmanager: RunningAlertmanager;
  let address: string;

  beforeAll(async () => {
    store = await openStore({ url: "embedded:memory", log: silentLogger });
    bridge = await assemble(store, { webhookTokens: "token-of-this-test" });
    const target = await bridge.app.listen({ port: 0, host: "127.0.0.1" });
    alertmanager = await startAlertmanager(
      `route: {receiver: tocsin, group_by: [alertname], group_wait: 50ms, group_interval: 200ms, repeat_interval: 1h}
receivers:
  - name: tocsin
    webhook_configs:
      - url: ${target}/webhooks/alertmanager
        http_config: {authorization: {credentials: token-of-this-test}}
`,
    );
    address = alertmanager.url;
  });
  afterAll(async () => {
    await alertmanager?.stop();
    await bridge?.stop();
    await store?.close();
  });

  const send = async (alerts: readonly object[]) => {
    const answer = await fetch(`${address}/api/v2/alerts`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(alerts),
    });
    expect(answer.status, await answer.text()).toBe(200);
  };
  const seen = (pod: string, status = "firing") =>
    eventually(`${pod} is ${status}`, async () => {
      await bridge.clock.advance(1_000); // the inbox relay waits on this clock
      return bridge.alerts().find((alert) => alert.labels["pod"] === pod && alert.status === status);
    });

  test("and we compute the same fingerprints, whatever is in the labels", async () => {
    const startsAt = new Date().toISOString();
    const labelSets = [
      { pod: "plain" },
      { pod: "utf8", team: "Zahlungen – Größe ✓ 支払い \u{1F600}" },
      { pod: "quotes", expr: 'a"b\\c\n\td{e="f"}' },
      { pod: "empty", namespace: "" },
      { pod: "many", ...Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`label_${i}`, "x".repeat(i)])) },
      { pod: "inherited", constructor: "c", toString_: "t", hasOwnProperty: "h" },
    ].map((labels) => ({ alertname: "Real", severity: "page", ...labels }));
    await send(labelSets.map((labels) => ({ labels, startsAt, annotations: { summary: "s" } })));
    for (const { pod } of labelSets) await seen(pod);

    const theirs = (await (await fetch(`${address}/api/v2/alerts`)).json()) as { fingerprint: string; labels: { pod: string } }[];
    const ours = Object.fromEntries(bridge.alerts().map((alert) => [alert.labels["pod"], alert.fingerprint]));
    expect(ours).toEqual(Object.fromEntries(theirs.map(({ labels, fingerprint }) => [labels.pod, fingerprint])));
    expect(await bridge.metric("tocsin_bridge_fingerprint_mismatches_total")).toBe(0);
    expect(bridge.alerts().every((alert) => alert.severity === "critical")).toBe(true);
    expect(await listQuarantined(store.sql, { limit: 10 })).toEqual([]);
  });

  test("tells of the end, and sends again what was answered 503", async () => {
    const startsAt = new Date(Date.now() - 60_000).toISOString();
    const labels = { alertname: "Ends", pod: "ends" };
    await send([{ labels, startsAt }]);
    await seen("ends");
    bridge.bus.away = true;
    bridge.sql.away = true;
    await send([{ labels, startsAt, endsAt: new Date(Date.now() - 1_000).toISOString() }]);
    await eventually("the bridge has refused it", async () =>
      (await bridge.metric("tocsin_bridge_refused_total", { code: "BRIDGE_UNAVAILABLE" })) > 0 ? true : undefined,
    );
    bridge.bus.away = false;
    bridge.sql.away = false;
    expect(await seen("ends", "resolved")).toMatchObject({ startsAt, endsAt: expect.stringMatching(/Z$/) });
  });
});
