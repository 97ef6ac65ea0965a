import { silentLogger } from "@tocsin/runtime";
import { listQuarantined, openStore, readJournal, type Store } from "@tocsin/store";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Assembly, assemble, delivery, firing } from "./assembly.ts";

let store: Store;
beforeAll(async () => {
  store = await openStore({ url: "embedded:memory", log: silentLogger });
});
afterAll(() => store.close());
beforeEach(async () => {
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
interface Page {
  items: { id: string; part: string; size: number }[];
  next: string | null;
}
const oneId = async () => (await listQuarantined(store.sql, { limit: 1 }))[0]?.id;

describe("the quarantine", () => {
  test("is listed page by page, the latest first, and by state and source", () =>
    within({}, async ({ post, get, clock }) => {
      for (let i = 0; i < 5; i++) {
        await post(i === 0 ? "/webhooks/grafana" : "/webhooks/alertmanager", `broken ${i}`);
        if (i === 2) await clock.advance(1_000); // several of one millisecond, and one border between times
      }
      const seen: string[] = [];
      for (let cursor: string | null = ""; cursor !== null; ) {
        const page = (await get(`/api/v1/quarantine?limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`)).body as Page;
        seen.push(...page.items.map(({ id }) => id));
        cursor = page.next;
      }
      expect(seen).toHaveLength(5);
      expect(new Set(seen).size).toBe(5);
      expect(((await get("/api/v1/quarantine?source=grafana")).body as Page).items).toMatchObject([{ part: "body", size: 8 }]);
      expect(((await get("/api/v1/quarantine?state=dropped")).body as Page).items).toEqual([]);
      expect((await get("/api/v1/quarantine?cursor=nonsense")).status).toBeGreaterThanOrEqual(400);
    }));

  test("shows the bytes as text where they are text, else as base64", () =>
    within({}, async ({ post, get }) => {
      await post("/webhooks/alertmanager", '{"tröte":');
      expect((await get(`/api/v1/quarantine/${await oneId()}`)).body).toMatchObject({ encoding: "utf-8", body: '{"tröte":' });
      await store.sql.query("DELETE FROM quarantine");
      await post("/webhooks/alertmanager", Buffer.from([0xff, 0x00, 0x7b]));
      expect((await get(`/api/v1/quarantine/${await oneId()}`)).body).toMatchObject({ encoding: "base64", body: "/wB7" });
    }));

  test("knows nothing of an id that it never gave", () =>
    within({}, async ({ get, post }) => {
      expect(await get("/api/v1/quarantine/qua_x")).toMatchObject({ status: 404 });
      expect(await post("/api/v1/quarantine/qua_x/drop", {})).toMatchObject({ status: 404 });
    }));
});

describe("a replay", () => {
  test("of a body that a mapping now understands sends its alerts on, once", async () => {
    await within({}, async ({ post }) => {
      expect(await post("/webhooks/generic/odd", { n: "A", since: 1_787_220_000 })).toMatchObject({ body: { quarantined: 1 } });
    });
    await within({ sources: "sources: {odd: {name: /n, startsAt: /since}}" }, async ({ post, alerts }) => {
      const id = await oneId();
      expect(await post(`/api/v1/quarantine/${id}/replay`, {})).toMatchObject({
        status: 200,
        body: { id, state: "replayed", accepted: 1 },
      });
      expect(alerts()).toMatchObject([{ name: "A", source: "odd", startsAt: "2026-08-20T10:00:00.000Z" }]);
      const decided = await readJournal(store.sql, { afterSeq: 0, limit: 10, subject: id ?? "" });
      expect(decided).toMatchObject([{ action: "quarantine.replayed", actor: "console", body: { source: "odd" } }]);
      expect(await post(`/api/v1/quarantine/${id}/replay`, {})).toMatchObject({ status: 409 });
      expect(await post(`/api/v1/quarantine/${id}/drop`, {})).toMatchObject({ status: 409 });
    });
  });

  test("of a member that is still not understood is refused with the reason, and it stays held", () =>
    within({}, async ({ post, get }) => {
      await post("/webhooks/alertmanager", delivery(5, firing()));
      const id = await oneId();
      expect(await post(`/api/v1/quarantine/${id}/replay`, {})).toMatchObject({
        status: 409,
        body: { code: "BRIDGE_REPLAY_CONFLICT", detail: expect.stringContaining("it is number instead of an object") },
      });
      expect((await get(`/api/v1/quarantine/${id}`)).body).toMatchObject({ state: "held", part: "member" });
    }));

  test("of an event that the bus refused sends it on when the bus takes it", () =>
    within({}, async ({ post, bus, alerts }) => {
      bus.refuse = () => "BUS_PAYLOAD_TOO_LARGE";
      await post("/webhooks/alertmanager", delivery(firing()));
      bus.refuse = undefined;
      // The refused transition is remembered as taken care of; by hand it is sent on all the same.
      expect(await post(`/api/v1/quarantine/${await oneId()}/replay`, {})).toMatchObject({ status: 200, body: { accepted: 1 } });
      expect(alerts()).toHaveLength(1);
    }));

  test("while nothing takes it leaves it held", () =>
    within({}, async ({ post, bus, sql, get }) => {
      bus.refuse = () => "BUS_PAYLOAD_TOO_LARGE";
      await post("/webhooks/alertmanager", delivery(firing()));
      const id = await oneId();
      bus.refuse = undefined;
      bus.away = true;
      const { query, transaction } = sql;
      let calls = 0;
      // The entry can still be read; the inbox cannot be written.
      Object.assign(sql, {
        query: (...args: Parameters<typeof query>) => (calls++ > 0 ? Promise.reject(new Error("disk full")) : query(...args)),
      });
      expect((await post(`/api/v1/quarantine/${id}/replay`, {})).status).toBe(503);
      Object.assign(sql, { query, transaction });
      expect((await get(`/api/v1/quarantine/${id}`)).body).toMatchObject({ state: "held" });
    }));
});

test("what is dropped stays in the list as dropped, and the same bytes are held anew when they come again", () =>
  within({}, async ({ post, get }) => {
    await post("/webhooks/alertmanager", "{");
    const id = await oneId();
    expect(await post(`/api/v1/quarantine/${id}/drop`, {})).toMatchObject({ status: 200, body: { id, state: "dropped" } });
    await post("/webhooks/alertmanager", "{");
    const { items } = (await get("/api/v1/quarantine")).body as Page;
    expect(items.map((item) => (item as { state?: string }).state).sort()).toEqual(["dropped", "held"]);
  }));
