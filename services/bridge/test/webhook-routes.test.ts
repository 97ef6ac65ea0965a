import { createHmac } from "node:crypto";
import { silentLogger } from "@tocsin/runtime";
import { inboxDepth, listHeartbeats, listQuarantined, openStore, readInbox, type Store } from "@tocsin/store";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Assembly, assemble, delivery, firing } from "./assembly.ts";

let store: Store;
beforeAll(async () => {
  store = await openStore({ url: "embedded:memory", log: silentLogger });
});
afterAll(() => store.close());
beforeEach(async () => {
  for (const table of ["bridge_inbox", "quarantine", "changes", "heartbeats"]) await store.sql.query(`DELETE FROM ${table}`);
});

/** Starts a bridge, runs the test on it and stops it. */
async function within(env: Record<string, string>, work: (bridge: Assembly) => Promise<void>): Promise<void> {
  const bridge = await assemble(store, env);
  try {
    await work(bridge);
  } finally {
    await bridge.stop();
  }
}
const held = () => listQuarantined(store.sql, { state: "held", limit: 100 });

describe("a delivery", () => {
  test("is on the bus, normalised, when it is answered 202", () =>
    within({}, async ({ post, bus, alerts }) => {
      const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
      expect(await post("/webhooks/alertmanager", delivery(firing()), { traceparent })).toMatchObject({
        status: 202,
        body: { accepted: 1, duplicates: 0, quarantined: 0 },
      });
      expect(bus.events).toMatchObject([{ type: "dev.tocsin.alert.firing.v1", topic: "sre-critical", key: "default", traceparent }]);
      expect(bus.events[0]?.id).toBe(alerts()[0]?.dedupeKey);
      expect(alerts()).toMatchObject([
        { name: "HighErrorRate", service: "checkout", severity: "critical", status: "firing", startsAt: "2026-08-20T10:00:03.512Z" },
      ]);
      expect(alerts()[0]).not.toHaveProperty("endsAt");
    }));

  test("that was taken before is answered 202 and not sent on", () =>
    within({}, async ({ post, bus, metric }) => {
      await post("/webhooks/alertmanager", delivery(firing()));
      expect(await post("/webhooks/alertmanager", delivery(firing(), firing({ pod: "b" })))).toMatchObject({
        status: 202,
        body: { accepted: 1, duplicates: 1 },
      });
      expect(bus.events).toHaveLength(2);
      expect(await metric("tocsin_bridge_alerts_total", { source: "alertmanager", outcome: "duplicate" })).toBe(1);
    }));

  test("of a watchdog is noted each time it comes, also as a duplicate that is not sent on", () =>
    within({}, async ({ post, bus, clock }) => {
      const watchdog = delivery(firing({ alertname: "Watchdog", prometheus: "eu" }));
      await post("/webhooks/alertmanager", watchdog);
      const [first] = await listHeartbeats(store.sql);
      await clock.advance(60_000);
      expect(await post("/webhooks/alertmanager", watchdog)).toMatchObject({ body: { accepted: 0, duplicates: 1 } });
      expect(bus.events).toHaveLength(1);
      const [again] = await listHeartbeats(store.sql);
      expect(again).toMatchObject({ name: "Watchdog", labels: { prometheus: "eu" }, firstAt: first?.firstAt });
      expect(Date.parse(again?.seenAt as string) - Date.parse(first?.seenAt as string)).toBe(60_000);
    }));

  test("that holds one alert twice sends it once", () =>
    within({}, async ({ post, bus }) => {
      expect(await post("/webhooks/alertmanager", delivery(firing(), firing()))).toMatchObject({ body: { accepted: 1, duplicates: 1 } });
      expect(bus.events).toHaveLength(1);
    }));

  test("is sent on again once its twin may no longer be on the way", () =>
    within({ dedupeSeconds: "60" }, async ({ post, bus, clock }) => {
      await post("/webhooks/alertmanager", delivery(firing()));
      await clock.advance(60_001);
      await post("/webhooks/alertmanager", delivery(firing()));
      expect(bus.events.map(({ id }) => id)).toEqual([bus.events[0]?.id, bus.events[0]?.id]);
    }));

  test("of Grafana may be a PUT, and is known by its body", () =>
    within({}, async ({ app, alerts }) => {
      const payload = { ...delivery(firing()), version: "1", orgId: 1 };
      const answer = await app.inject({ method: "PUT", url: "/webhooks/grafana", payload });
      expect([answer.statusCode, alerts()[0]?.source]).toEqual([202, "grafana"]);
    }));

  test.each(["application/json", "text/plain", "application/x-www-form-urlencoded", "garbage", "multipart/form-data"])(
    "is read whatever its sender calls it: %s",
    (contentType) =>
      within({}, async ({ post }) => {
        expect(await post("/webhooks/alertmanager", delivery(firing()), { "content-type": contentType })).toMatchObject({
          status: 202,
          body: { accepted: 1 },
        });
      }),
  );

  test("counts the alerts that its sender cut off", () =>
    within({}, async ({ post, metric }) => {
      await post("/webhooks/alertmanager", { ...delivery(firing()), truncatedAlerts: 7 });
      expect(await metric("tocsin_bridge_truncated_alerts_total", { source: "alertmanager" })).toBe(7);
    }));
});

describe("what is not understood", () => {
  test.each(["", "{", "null", '{"text":"custom"}', '{"version":"5","alerts":[]}', "\u0000"])("%j is kept and answered 202", (body) =>
    within({}, async ({ post, bus }) => {
      expect(await post("/webhooks/alertmanager", body)).toMatchObject({ status: 202, body: { accepted: 0, quarantined: 1 } });
      expect(await held()).toMatchObject([{ source: "alertmanager", size: body.length, state: "held" }]);
      expect(bus.events).toEqual([]);
    }),
  );

  test("keeps nobody else's alert back", () =>
    within({}, async ({ post, alerts, metric }) => {
      expect(await post("/webhooks/alertmanager", delivery(firing(), { status: "firing" }, 5))).toMatchObject({
        status: 202,
        body: { accepted: 1, duplicates: 0, quarantined: 2 },
      });
      expect(alerts()).toHaveLength(1);
      expect((await held()).map(({ code }) => code)).toEqual(["BRIDGE_MEMBER_INVALID", "BRIDGE_MEMBER_INVALID"]);
      expect(await metric("tocsin_bridge_alerts_total", { outcome: "quarantined" })).toBe(2);
    }));

  test("is held once however often it comes, and counted", () =>
    within({}, async ({ post }) => {
      for (let i = 0; i < 3; i++) await post("/webhooks/alertmanager", delivery(5, 5));
      expect(await held()).toMatchObject([{ times: 6 }]);
    }));

  test("is held per source, and without credentials", () =>
    within({ webhookTokens: "a-token-of-some-length" }, async ({ post, get }) => {
      const headers = { authorization: "Bearer a-token-of-some-length", cookie: "c=1", "user-agent": "Alertmanager/0.27" };
      await post("/webhooks/alertmanager", "{", headers);
      await post("/webhooks/grafana", "{", headers);
      const entries = await held();
      expect(entries.map(({ source }) => source).sort()).toEqual(["alertmanager", "grafana"]);
      const { body } = await get(`/api/v1/quarantine/${entries[0]?.id}`);
      expect(body).toMatchObject({ headers: { "content-type": "application/json", "user-agent": "Alertmanager/0.27" } });
      expect(JSON.stringify(body)).not.toMatch(/a-token|cookie/);
    }));
});

describe("while the bus is away", () => {
  test("alerts wait in the store, and go out in order once it is back", () =>
    within({}, async ({ post, bus, clock, alerts }) => {
      bus.away = true;
      for (const pod of ["a", "b"])
        expect(await post("/webhooks/alertmanager", delivery(firing({ pod })))).toMatchObject({ status: 202, body: { accepted: 1 } });
      expect(await inboxDepth(store.sql)).toBe(2);
      bus.away = false;
      await post("/webhooks/alertmanager", delivery(firing({ pod: "c" })));
      await drained(clock);
      expect(alerts().map(({ labels }) => labels["pod"])).toEqual(["a", "b", "c"]);
    }));

  test("nothing overtakes what waits, though the bus is back already", () =>
    within({}, async ({ post, bus, clock, alerts }) => {
      bus.away = true;
      await post("/webhooks/alertmanager", delivery(firing({ pod: "a" })));
      bus.away = false;
      await post("/webhooks/alertmanager", delivery(firing({ pod: "b" })));
      expect(alerts().map(({ labels }) => labels["pod"])).not.toEqual(["b"]);
      await drained(clock);
      await post("/webhooks/alertmanager", delivery(firing({ pod: "c" })));
      await drained(clock);
      expect(alerts().map(({ labels }) => labels["pod"])).toEqual(["a", "b", "c"]);
    }));

  test("one that never answers is away", () =>
    within({ publishTimeoutMs: "30" }, async ({ post, bus }) => {
      bus.silent = true;
      expect(await post("/webhooks/alertmanager", delivery(firing()))).toMatchObject({ status: 202 });
      expect(await readInbox(store.sql, 10)).toMatchObject([{ event: { data: { name: "HighErrorRate" } } }]);
    }));

  test("what an earlier process left goes out before what comes now", async () => {
    const first = await assemble(store);
    first.bus.away = true;
    await first.post("/webhooks/alertmanager", delivery(firing({ pod: "a" })));
    await first.stop();
    await within({}, async ({ post, clock, alerts }) => {
      await post("/webhooks/alertmanager", delivery(firing({ pod: "b" })));
      await drained(clock);
      expect(alerts().map(({ labels }) => labels["pod"])).toEqual(["a", "b"]);
    });
  });

  test("and the store too, the sender is told to come again, and then nothing is a duplicate", () =>
    within({}, async ({ post, bus, sql, alerts, clock }) => {
      bus.away = true;
      sql.away = true;
      const refused = await post("/webhooks/alertmanager", delivery(firing()));
      expect(refused).toMatchObject({ status: 503, body: { code: "BRIDGE_UNAVAILABLE", status: 503 }, headers: { "retry-after": "5" } });
      bus.away = false;
      sql.away = false;
      expect(await post("/webhooks/alertmanager", delivery(firing()))).toMatchObject({ status: 202, body: { accepted: 1, duplicates: 0 } });
      await drained(clock);
      expect(alerts()).toHaveLength(1);
    }));

  test("the inbox has a limit, beyond which the sender keeps what it has", () =>
    within({ inboxLimit: "2" }, async ({ post, bus }) => {
      bus.away = true;
      await post("/webhooks/alertmanager", delivery(firing({ pod: "a" }), firing({ pod: "b" })));
      expect(await post("/webhooks/alertmanager", delivery(firing({ pod: "c" })))).toMatchObject({
        status: 503,
        body: { code: "BRIDGE_INBOX_OVERLOADED" },
      });
    }));
});

/** Lets the relay's back-off pass until the inbox is empty. */
async function drained(clock: Assembly["clock"]): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if ((await inboxDepth(store.sql)) === 0) return;
    await clock.advance(1_000);
  }
  throw new Error("the inbox does not empty");
}

describe("while the store is away", () => {
  test("alerts still go to the bus", () =>
    within({}, async ({ post, sql, bus }) => {
      sql.away = true;
      expect(await post("/webhooks/alertmanager", delivery(firing()))).toMatchObject({ status: 202, body: { accepted: 1 } });
      expect(bus.events).toHaveLength(1);
    }));

  test("what is not understood cannot be kept, so the delivery has to come again", () =>
    within({}, async ({ post, sql }) => {
      sql.away = true;
      expect(await post("/webhooks/alertmanager", delivery(firing(), 5))).toMatchObject({ status: 503 });
      sql.away = false;
      expect(await post("/webhooks/alertmanager", delivery(firing(), 5))).toMatchObject({ status: 202, body: { quarantined: 1 } });
    }));
});

describe("an event that the bus refuses", () => {
  test("is quarantined, and the rest of its batch goes on", () =>
    within({}, async ({ post, bus, alerts, get }) => {
      bus.refuse = (event) => (JSON.stringify(event).includes("refuse-me") ? "BUS_PAYLOAD_TOO_LARGE" : undefined);
      const body = delivery(firing({ pod: "a" }), firing({ pod: "refuse-me" }), firing({ pod: "c" }));
      expect(await post("/webhooks/alertmanager", body)).toMatchObject({ status: 202, body: { accepted: 2, quarantined: 1 } });
      expect(alerts().map(({ labels }) => labels["pod"])).toEqual(["a", "c"]);
      const [entry] = await held();
      bus.refuse = undefined;
      const replay = await get(`/api/v1/quarantine/${entry?.id}`);
      expect(replay.body).toMatchObject({ part: "member", code: "BRIDGE_MEMBER_OVERSIZED", encoding: "utf-8" });
    }));

  test("does not block those that wait behind it", () =>
    within({}, async ({ post, bus, clock, alerts }) => {
      bus.away = true;
      await post("/webhooks/alertmanager", delivery(firing({ pod: "a" }), firing({ pod: "refuse-me" }), firing({ pod: "c" })));
      bus.refuse = (event) => (JSON.stringify(event).includes("refuse-me") ? "BUS_PAYLOAD_INVALID" : undefined);
      bus.away = false;
      await drained(clock);
      expect(alerts().map(({ labels }) => labels["pod"])).toEqual(["a", "c"]);
      expect(await held()).toMatchObject([{ source: "inbox" }]);
    }));
});

describe("a delivery is not taken", () => {
  test("without credentials, when some are configured", () =>
    within({ webhookTokens: "a-token-of-some-length" }, async ({ post, bus, metric }) => {
      expect(await post("/webhooks/alertmanager", delivery(firing()))).toMatchObject({
        status: 401,
        body: { code: "BRIDGE_UNAUTHENTICATED" },
      });
      expect(await post("/webhooks/alertmanager", "{", { authorization: "Bearer wrong" })).toMatchObject({ status: 401 });
      expect([bus.events.length, (await held()).length]).toEqual([0, 0]);
      expect(await metric("tocsin_bridge_refused_total", { source: "alertmanager", code: "BRIDGE_UNAUTHENTICATED" })).toBe(2);
    }));

  test("above the cap, which is counted", () =>
    within({ bodyLimitBytes: "1000" }, async ({ post, metric }) => {
      expect(await post("/webhooks/alertmanager", "x".repeat(1_000))).toMatchObject({ status: 202 });
      expect(await post("/webhooks/alertmanager", "x".repeat(1_001))).toMatchObject({
        status: 413,
        body: { code: "BRIDGE_BODY_TOO_LARGE" },
      });
      expect(await metric("tocsin_bridge_refused_total", { code: "BRIDGE_BODY_TOO_LARGE" })).toBe(1);
    }));

  test("of 16 MiB it is still taken", () =>
    within({}, async ({ post }) => {
      const limit = 16 * 1024 * 1024;
      expect(await post("/webhooks/alertmanager", "x".repeat(limit))).toMatchObject({ status: 202, body: { quarantined: 1 } });
      expect(await post("/webhooks/alertmanager", "x".repeat(limit + 1))).toMatchObject({ status: 413 });
    }));

  test("while too many are under way", () =>
    within({ inFlightLimit: "1" }, async ({ post, bus }) => {
      let entered: () => void = () => {};
      const publishing = new Promise<void>((resolve) => (entered = resolve));
      let finish: () => void = () => {};
      bus.publish = () => {
        entered();
        return new Promise<void>((resolve) => (finish = resolve));
      };
      const underWay = post("/webhooks/alertmanager", delivery(firing()));
      await publishing;
      expect(await post("/webhooks/grafana", delivery(firing()))).toMatchObject({
        status: 503,
        body: { code: "BRIDGE_DELIVERIES_OVERLOADED" },
      });
      finish();
      expect((await underWay).status).toBe(202);
    }));

  test("beyond the rate of its source; others are let in, and it is too after a minute", () =>
    within({ ratePerMinute: "2" }, async ({ post, clock }) => {
      const send = (path: string) => post(path, delivery(firing()));
      expect([(await send("/webhooks/alertmanager")).status, (await send("/webhooks/alertmanager")).status]).toEqual([202, 202]);
      expect(await send("/webhooks/alertmanager")).toMatchObject({
        status: 503,
        body: { code: "BRIDGE_RATE_OVERLOADED" },
        headers: { "retry-after": "5" },
      });
      expect((await send("/webhooks/grafana")).status).toBe(202);
      await clock.advance(60_001);
      expect((await send("/webhooks/alertmanager")).status).toBe(202);
    }));

  test("from a source that cannot be one, or that has no mapping where one is needed", () =>
    within({ genericUnmapped: "refuse", sources: "sources: {pingdom: {name: /n}}" }, async ({ post }) => {
      expect(await post("/webhooks/generic/pingdom", { n: "A" })).toMatchObject({ status: 202, body: { accepted: 1 } });
      expect(await post("/webhooks/generic/other", { n: "A" })).toMatchObject({ status: 403, body: { code: "BRIDGE_SOURCE_FORBIDDEN" } });
      expect(await post("/webhooks/generic/grafana", { n: "A" })).toMatchObject({ status: 404, body: { code: "BRIDGE_SOURCE_UNKNOWN" } });
      expect(await post("/webhooks/generic/a%20b", { n: "A" })).toMatchObject({ status: 404 });
    }));
});

test("a stop waits for the deliveries under way and lets no more in", () =>
  within({}, async ({ post, bus, stop }) => {
    let finish: () => void = () => {};
    let entered: () => void = () => {};
    const slow = new Promise<void>((resolve) => (finish = resolve));
    const publishing = new Promise<void>((resolve) => (entered = resolve));
    const publish = bus.publish;
    bus.publish = async (events) => {
      entered();
      await slow;
      return publish(events);
    };
    const underWay = post("/webhooks/alertmanager", delivery(firing({ pod: "a" })));
    await publishing;
    const stopping = stop();
    expect(await post("/webhooks/alertmanager", delivery(firing({ pod: "b" })))).toMatchObject({
      status: 503,
      body: { code: "BRIDGE_DRAINING" },
    });
    finish();
    expect(await underWay).toMatchObject({ status: 202 });
    await stopping;
    expect(bus.events).toHaveLength(1);
  }));

describe("a signed delivery", () => {
  const secret = "a-secret-of-some-length";
  const body = JSON.stringify({ name: "A" });
  const headersAt = (ms: number, id = "msg_1") => {
    const timestamp = String(ms / 1000);
    const signature = `v1,${createHmac("sha256", secret).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
    return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature };
  };

  test("that is played again is answered and not sent on, though it carries no time of its own", () =>
    within({ signingSecrets: secret }, async ({ post, bus, clock }) => {
      const headers = headersAt(clock.now());
      expect(await post("/webhooks/generic/ci", body, headers)).toMatchObject({ status: 202, body: { accepted: 1, duplicates: 0 } });
      await clock.advance(1_000);
      expect(await post("/webhooks/generic/ci", body, headers)).toMatchObject({ status: 202, body: { accepted: 0, duplicates: 1 } });
      expect(await post("/webhooks/generic/ci", body, headersAt(clock.now(), "msg_2"))).toMatchObject({ body: { accepted: 1 } });
      expect(bus.events).toHaveLength(2);
    }));

  test("that could not be taken may come again", () =>
    within({ signingSecrets: secret }, async ({ post, bus, sql, clock }) => {
      const headers = headersAt(clock.now());
      bus.away = true;
      sql.away = true;
      expect((await post("/webhooks/generic/ci", body, headers)).status).toBe(503);
      bus.away = false;
      sql.away = false;
      expect(await post("/webhooks/generic/ci", body, headers)).toMatchObject({ status: 202, body: { accepted: 1 } });
    }));
});

describe("a change", () => {
  test("is recorded once", () =>
    within({}, async ({ post, bus }) => {
      const change = { service: "payments", version: "v2", at: "2026-08-20T10:00:00Z" };
      expect(await post("/webhooks/generic/change", change)).toMatchObject({ status: 202, body: { accepted: 1, duplicates: 0 } });
      expect(await post("/webhooks/generic/change", [change, {}])).toMatchObject({ body: { accepted: 0, duplicates: 1, quarantined: 1 } });
      const { rows } = await store.sql.query("SELECT service, at, body->>'version' AS version FROM changes");
      expect(rows).toEqual([{ service: "payments", at: "2026-08-20T10:00:00.000Z", version: "v2" }]);
      expect(bus.events).toEqual([]);
    }));

  test("is not acknowledged while the store is away", () =>
    within({}, async ({ post, sql }) => {
      sql.away = true;
      expect((await post("/webhooks/generic/change", { service: "a" })).status).toBe(503);
    }));
});

test("NUL and half surrogates reach the store and the bus as something they can hold", () =>
  within({}, async ({ post, bus, clock }) => {
    bus.away = true;
    const alert = `{"status":"firing","startsAt":"2026-08-20T10:00:00Z","labels":{"alertname":"A","x\\u0000":"\\ud800\\u0000"},"annotations":{"s":"\\u0000"}}`;
    expect(
      await post(
        "/webhooks/alertmanager",
        `{"version":"4","groupKey":"\\u0000","alerts":[${alert},{"labels":"\\u0000","status":"\\ud800"}]}`,
      ),
    ).toMatchObject({
      status: 202,
      body: { accepted: 1, quarantined: 1 },
    });
    bus.away = false;
    await drained(clock);
    expect(bus.events).toHaveLength(1);
  }));

test("5,000 alerts with one in two broken lose none of the good ones", () =>
  within({}, async ({ post, bus }) => {
    const alerts = Array.from({ length: 5_000 }, (_, i) => (i % 2 === 0 ? firing({ instance: String(i) }) : { labels: { i: String(i) } }));
    expect(await post("/webhooks/alertmanager", delivery(...alerts))).toMatchObject({
      status: 202,
      body: { accepted: 2_500, quarantined: 2_500 },
    });
    expect(new Set(bus.events.map(({ id }) => id)).size).toBe(2_500);
  }));

test("a cache that fails costs a duplicate and no alert", () =>
  within({}, async ({ post, cache, bus }) => {
    const broken = () => Promise.reject(new Error("cache broke"));
    Object.assign(cache, { present: broken, remember: broken });
    expect(await post("/webhooks/alertmanager", delivery(firing()))).toMatchObject({ status: 202, body: { accepted: 1 } });
    expect(await post("/webhooks/alertmanager", delivery(firing()))).toMatchObject({ status: 202, body: { accepted: 1 } });
    expect(bus.events).toHaveLength(2);
  }));
