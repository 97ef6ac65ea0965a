import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@tocsin/runtime";
import { readJournal, verifyJournal } from "@tocsin/store";
import { eventually } from "@tocsin/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventOfLetter } from "../../src/dead-letters.ts";
import { openLiveStream, pauseMsOf } from "../../src/live-stream.ts";
import { bucketSecondsOf } from "../../src/routes/automation.ts";
import { templatesOf } from "../../src/routes/estate.ts";
import { settingsOf } from "../../src/routes/settings.ts";
import { type ConsoleUnderTest, consoleUnderTest } from "../console-under-test.ts";
import { DIGEST, fact, STORY, seedStory, tell } from "../story.ts";

let under: ConsoleUnderTest;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tocsin-no-bundle-"));
  under = await consoleUnderTest(folder);
  await seedStory(under.store.sql);
});
afterAll(async () => {
  await under.stop();
  rmSync(folder, { recursive: true, force: true });
});

// biome-ignore lint/suspicious/noExplicitAny: the tests say what they expect of it
type Body = any;
async function call(
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Body; headers: Headers }> {
  const answer = await fetch(`${under.address}/api/v1${path}`, {
    ...(body === undefined
      ? { headers }
      : { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === "" ? undefined : JSON.parse(text), headers: answer.headers };
}

test("a decision on other than what was asked is refused, and so is a second one", async () => {
  expect((await call("/approvals?state=pending")).body.items).toMatchObject([{ id: "apr_1", digest: DIGEST, risk: "medium" }]);
  const stale = await call("/approvals/apr_1/approve", { digest: `sha256:${"0".repeat(64)}` });
  expect(stale).toMatchObject({ status: 409, body: { code: "APPROVAL_DIGEST_CONFLICT" } });
  expect(await call("/approvals/apr_none/deny", { digest: DIGEST })).toMatchObject({ status: 404, body: { code: "APPROVAL_UNKNOWN" } });
  const [first, second] = await Promise.all([
    call("/approvals/apr_1/approve", { digest: DIGEST, by: "ada" }),
    call("/approvals/apr_1/approve", { digest: DIGEST, by: "bob" }),
  ]);
  expect([first.status, second.status].sort()).toEqual([200, 409]);
  const refused = first.status === 409 ? first : second;
  expect(refused.body.code).toBe("APPROVAL_DECIDED_CONFLICT");
  expect((await call("/approvals?state=pending")).body.items).toEqual([]);
});

test("the last word on a cause holds, and every word is in the journal", async () => {
  expect((await call(`/incidents/${STORY}/feedback`, { right: true, by: "ada" })).status).toBe(200);
  await call(`/incidents/${STORY}/feedback`, { right: false, note: "it was the network", by: "bob" });
  expect((await call(`/incidents/${STORY}`)).body.feedback).toMatchObject({ right: false, by: "bob", note: "it was the network" });
  expect((await call("/stats/history?hours=1")).body.feedback).toEqual({ right: 0, wrong: 1 });
  const { body } = await call(`/audit?subject=${STORY}`);
  expect(body.items.map(({ action }: { action: string }) => action)).toEqual(["cause.wrong", "cause.right"]);
});

test("the journal is told newest first, page by page, and its chain is checked", async () => {
  const all = await readJournal(under.store.sql, { afterSeq: 0, limit: 100 });
  const seen: number[] = [];
  let cursor = "";
  do {
    const { body } = await call(`/audit?limit=2${cursor}`);
    seen.push(...body.items.map(({ seq }: { seq: number }) => seq));
    cursor = body.next === null ? "" : `&cursor=${body.next}`;
  } while (cursor !== "");
  expect(seen).toEqual(all.map(({ seq }) => seq).reverse());
  expect((await call("/audit/verify")).body).toMatchObject({ kind: "intact" });
  await under.store.sql.query("UPDATE journal SET actor = 'mallory' WHERE seq = 1");
  expect((await call("/audit/verify")).body).toMatchObject({ kind: "broken", seq: 1 });
  expect(await verifyJournal(under.store.sql)).toMatchObject({ kind: "broken" });
});

test("merging and splitting are asked of the correlator once, and refused where they make no sense", async () => {
  expect(await call(`/incidents/${STORY}/merge`, { into: STORY })).toMatchObject({
    status: 400,
    body: { code: "INCIDENT_GROUPING_INVALID" },
  });
  expect(await call(`/incidents/${STORY}/merge`, { into: "inc_over" })).toMatchObject({
    status: 409,
    body: { code: "INCIDENT_CLOSED_CONFLICT" },
  });
  expect(await call(`/incidents/${STORY}/merge`, { into: "inc_none" })).toMatchObject({ status: 404, body: { code: "INCIDENT_UNKNOWN" } });
  const { body } = await call(`/incidents/${STORY}`);
  const only = body.members[0].fingerprint;
  expect((await call(`/incidents/${STORY}/split`, { fingerprints: [only] })).body).toMatchObject({ detail: "some alert has to stay" });
  expect((await call(`/incidents/${STORY}/split`, { fingerprints: ["0123456789abcdef"] })).status).toBe(400);
});

test("an answer that has not changed is not sent again", async () => {
  const first = await call("/topology");
  const etag = first.headers.get("etag") as string;
  expect((await call("/topology", undefined, { "if-none-match": etag })).status).toBe(304);
  expect((await call("/topology", undefined, { "if-none-match": 'W/"other"' })).status).toBe(200);
});

test("an incident's events are paged in their order; the stream goes on where the last page ended", async () => {
  await tell(under.store.sql, fact("one"), fact("two"));
  const seen: string[] = [];
  let after = "0";
  for (;;) {
    const { body } = await call(`/incidents/${STORY}/events?limit=2&after=${after}`);
    seen.push(...body.items.map(({ id }: { id: string }) => id));
    if (body.next === null) break;
    after = body.next;
  }
  expect(seen).toEqual([...new Set(seen)].sort((a, b) => Number(a) - Number(b)));
  expect((await call("/stream/position")).body).toEqual({ id: seen.at(-1) });
});

test("a window that is none is refused", async () => {
  expect((await call("/services/payments/signals?from=10&to=5")).body.code).toBe("REQUEST_WINDOW_INVALID");
  expect((await call("/services/payments/signals?from=10&to=20")).body.items[0]).toMatchObject({ signal: "memory" });
});

test("lines become templates, the worst first, with when they came", () => {
  const lines = Array.from({ length: 30 }, (_, n) => ({
    at: n,
    service: "a",
    level: n === 29 ? ("error" as const) : ("info" as const),
    message: n === 29 ? "boom" : `took ${n} ms`,
  }));
  const [worst, often] = templatesOf(lines, { from: 0, to: 30 });
  expect(worst).toMatchObject({ level: "error", count: 1 });
  expect(often).toMatchObject({ count: 29 });
  expect(often?.spread.reduce((sum, n) => sum + n, 0)).toBe(29);
  expect(often?.examples).toHaveLength(5);
});

test("settings go by the names they are set by", () => {
  const [process, module] = settingsOf({
    host: { port: 8080, apiToken: "[redacted]" } as never,
    modules: { "sre-agent": { soakSeconds: 4 }, none: {} },
  });
  expect(process?.settings).toEqual([
    { variable: "TOCSIN_PORT", value: "8080" },
    { variable: "TOCSIN_API_TOKEN", value: "[redacted]" },
  ]);
  expect(module).toEqual({ name: "sre-agent", settings: [{ variable: "TOCSIN_SRE_AGENT_SOAK_SECONDS", value: "4" }] });
});

test("slices of a window are few enough to read", () => {
  for (const hours of [0.1, 1, 24, 168, 720, 2160]) expect((hours * 3600) / bucketSecondsOf(hours)).toBeLessThanOrEqual(60);
});

test("a letter whose event still does not fit is not sent again", () => {
  const letter = {
    id: "dlq:1",
    at: "2026-01-01T00:00:00.000Z",
    code: "X",
    reason: "",
    origin: { topic: "sre-events", partition: 0, offset: "1", group: "g" },
    state: "held" as const,
    headers: { ce_id: "1", ce_type: "dev.tocsin.incident.moved.v1", ce_source: "/x", ce_time: "2026-01-01T00:00:00.000Z" },
    value: Buffer.from("{}").toString("base64"),
  };
  expect(eventOfLetter(letter)).toHaveProperty("problem");
  expect(eventOfLetter({ ...letter, headers: {} })).toHaveProperty("problem");
  const whole = { incidentId: "inc_1", at: "2026-01-01T00:00:00.000Z", kind: "closed", text: "", state: "closed" };
  expect(eventOfLetter({ ...letter, value: Buffer.from(JSON.stringify(whole)).toString("base64") })).toMatchObject({
    event: { id: "1", key: "inc_1", topic: "sre-events" },
  });
});

test("a handful of clients wait for nothing, a crowd for what fills a write", async () => {
  expect(pauseMsOf(10)).toBe(0);
  expect(pauseMsOf(2_000)).toBe(80);
  const live = await openLiveStream(under.store.sql, silentLogger);
  const got: number[][] = Array.from({ length: 1_800 }, () => []);
  const from = await live.now();
  for (const list of got) live.subscribe({ afterSeq: from }, (items) => list.push(...items.map(({ seq }) => seq)) > 0);
  for (let n = 0; n < 5; n++) await tell(under.store.sql, fact(`crowd ${n}`));
  await eventually("all have all", () => (got.every((list) => list.length === 5) ? true : undefined));
  expect(new Set(got.map(String)).size).toBe(1);
  await live.stop();
  expect(live.subscribers).toBe(0);
});
