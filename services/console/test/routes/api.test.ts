import { createHttpServer, type RunningHttpServer } from "@tocsin/http";
import { type Clock, silentLogger, systemClock } from "@tocsin/runtime";
import { openStore, type Store, verifyJournal } from "@tocsin/store";
import { Registry } from "prom-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openLiveStream } from "../../src/live-stream.ts";
import { automationRoutes } from "../../src/routes/automation.ts";
import { decisionRoutes } from "../../src/routes/decisions.ts";
import { incidentRoutes } from "../../src/routes/incidents.ts";
import { streamRoutes } from "../../src/routes/stream.ts";
import { opened, seedIncident } from "../seed.ts";

const clock: Clock = systemClock;
let store: Store;
let server: RunningHttpServer;
let stopLive: () => Promise<void>;

beforeAll(async () => {
  store = await openStore({ url: "embedded:memory", log: silentLogger });
  server = createHttpServer({ host: "127.0.0.1", port: 0, log: silentLogger, registry: new Registry(), version: "0.0.0" });
  const live = await openLiveStream(store.sql, silentLogger);
  stopLive = () => live.stop();
  await server.mount("/api/v1", incidentRoutes(store.sql));
  await server.mount("/api/v1", decisionRoutes(store.sql, clock));
  await server.mount("/api/v1", automationRoutes(store.sql, clock));
  await server.mount("/api/v1", streamRoutes(live, store.sql));
  await server.listen();
  for (let n = 0; n < 7; n++)
    await seedIncident(store.sql, { id: `inc_${n}`, service: n % 2 ? "cart" : "payments", minute: n, state: n === 6 ? "closed" : "open" });
});
afterAll(async () => {
  await server.close();
  await stopLive();
  await store.close();
});

async function get(
  path: string,
): Promise<{ status: number; body: Record<string, unknown> & { items: { id: string }[]; next: string | null } }> {
  const answer = await fetch(`${server.address}/api/v1${path}`);
  return { status: answer.status, body: (await answer.json()) as never };
}
async function post(path: string, body: unknown): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await fetch(`${server.address}/api/v1${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

test("lists incidents newest first, page by page, each once", async () => {
  const seen: string[] = [];
  let cursor = "";
  for (let page = 0; page < 5; page++) {
    const { body } = await get(`/incidents?limit=2${cursor}`);
    seen.push(...body.items.map(({ id }) => id));
    if (body.next === null) break;
    cursor = `&cursor=${body.next}`;
  }
  expect(seen).toEqual(["inc_6", "inc_5", "inc_4", "inc_3", "inc_2", "inc_1", "inc_0"]);
});

test("filters by state, severity and service", async () => {
  expect((await get("/incidents?state=closed")).body.items.map(({ id }) => id)).toEqual(["inc_6"]);
  expect((await get("/incidents?state=open,closed&service=cart")).body.items).toHaveLength(3);
  expect((await get("/incidents?severity=info")).body.items).toEqual([]);
});

test("a wrong limit or cursor is a problem that says so", async () => {
  expect(await get("/incidents?limit=0")).toMatchObject({ status: 400, body: { code: "REQUEST_INVALID" } });
  expect(await get("/incidents?cursor=bm9wZQ")).toMatchObject({ status: 400, body: { code: "REQUEST_CURSOR_INVALID" } });
  expect(await get("/incidents/inc_none")).toMatchObject({ status: 404, body: { code: "INCIDENT_UNKNOWN" } });
});

test("shows one incident in full and its alert with the outcome", async () => {
  const { body } = await get("/incidents/inc_1");
  expect(body).toMatchObject({
    id: "inc_1",
    service: "cart",
    verdict: "pending",
    causes: [],
    runs: [],
    members: [{ role: "root", name: "MemoryGrowing", status: "firing", reasons: [{ kind: "first" }] }],
    links: {},
  });
  const alerts = await get("/alerts?service=cart&limit=1");
  expect(alerts.body.items).toMatchObject([{ outcome: "incident", incidentId: "inc_5", status: "firing" }]);
  expect(alerts.body.next).not.toBeNull();
});

test("a person acknowledges once, escalates and closes; what cannot be is refused; all is journalled", async () => {
  expect((await post("/incidents/inc_2/ack", { by: "ada" })).status).toBe(200);
  expect((await post("/incidents/inc_2/ack", { by: "bob" })).status).toBe(200);
  expect((await post("/incidents/inc_2/escalate", { by: "ada", reason: "needs the database team" })).body).toEqual({
    id: "inc_2",
    state: "escalated",
  });
  expect((await post("/incidents/inc_2/close", { by: "ada" })).body).toEqual({ id: "inc_2", state: "closed" });
  expect(await post("/incidents/inc_2/escalate", { by: "ada" })).toMatchObject({
    status: 409,
    body: { code: "INCIDENT_MOVE_CONFLICT", from: "closed" },
  });
  const { body } = await get("/incidents/inc_2");
  expect((body["timeline"] as { text: string }[]).map(({ text }) => text)).toEqual([
    "acknowledged by ada",
    "escalated by ada: needs the database team",
    "closed by ada",
  ]);
  const journal = await store.sql.query<{ action: string }>("SELECT action FROM journal WHERE subject = 'inc_2' ORDER BY seq");
  expect(journal.rows.map(({ action }) => action)).toEqual(["incident.acknowledge", "incident.escalated", "incident.closed"]);
  expect(await verifyJournal(store.sql)).toMatchObject({ kind: "intact" });
});

test("the red button needs a reason and stays as it was left", async () => {
  expect((await post("/red-button", { on: true, reason: " " })).status).toBe(400);
  expect((await post("/red-button", { on: true, reason: "odd behaviour", by: "ada" })).body).toMatchObject({ isOn: true, changed: true });
  expect((await get("/red-button")).body).toMatchObject({ isOn: true, reason: "odd behaviour", changedBy: "ada" });
  expect((await post("/red-button", { on: false, reason: "all fine" })).body).toMatchObject({ isOn: false, changed: true });
});

test("figures are there before anything has happened", async () => {
  expect((await get("/stats")).body).toMatchObject({ incidents: 7, runs: 0, verifiedFixRate: null });
});

test("an incident's stream starts at its first event and goes on from Last-Event-ID", async () => {
  const { appendEvents } = await import("@tocsin/store");
  await store.sql.transaction((tx) => appendEvents(tx, [opened("inc_3"), opened("inc_4")]));
  const read = async (headers: Record<string, string>, until: string): Promise<string> => {
    const abort = new AbortController();
    const answer = await fetch(`${server.address}/api/v1/incidents/inc_3/stream`, { headers, signal: abort.signal });
    expect(answer.headers.get("content-type")).toContain("text/event-stream");
    let text = "";
    for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString();
      if (text.includes(until)) break;
    }
    abort.abort();
    return text;
  };
  const text = await read({}, "opened");
  expect(text).toMatch(/id: \d+\nevent: incident\ndata: \{"id":"\d+","at":/);
  const id = Number(/id: (\d+)/.exec(text)?.[1]);
  await post("/incidents/inc_3/escalate", { by: "ada" });
  const rest = await read({ "last-event-id": String(id) }, "escalated by ada");
  expect(rest).not.toContain(`id: ${id}\n`);
  expect((await get("/incidents/inc_none/stream")).status).toBe(404);
});
