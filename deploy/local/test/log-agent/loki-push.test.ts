import { eventually, freePort } from "@tocsin/testkit";
import { afterEach, expect, test } from "vitest";
import { createLokiPush, type LogEntry, type LokiPush } from "../../src/log-agent/loki-push.ts";
import { type Answer, type LokiStandIn, lokiStandIn } from "./loki-stand-in.ts";

const undo: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function standIn(...answers: readonly Answer[]): Promise<LokiStandIn> {
  const loki = await lokiStandIn(...answers);
  undo.push(() => loki.stop());
  return loki;
}
function pushTo(url: string, more: { maxBytes?: number; gatherMs?: number } = {}): { push: LokiPush; told: string[] } {
  const told: string[] = [];
  const push = createLokiPush({ url, tell: (line) => told.push(line), gatherMs: 5, backOffMs: [5, 20], ...more });
  undo.push(() => push.stop(0));
  return { push, told };
}
const entry = (text: string, atMs = 1_700_000_000_000, service = "cart"): LogEntry => ({ labels: { service, level: "info" }, atMs, text });
const settled = (push: LokiPush) => eventually("nothing waits", async () => (push.counts().waiting === 0 ? push.counts() : undefined));

test("lines of one moment go in one request, a stream for each set of labels, in order and told apart when they are alike", async () => {
  const loki = await standIn();
  const { push } = pushTo(loki.url);
  for (const line of [entry("a"), entry("b", 1_700_000_000_001, "web"), entry("a"), entry("c")]) push.add(line);
  expect(await settled(push)).toEqual({ sent: 4, waiting: 0, dropped: 0, refused: 0 });
  expect(loki.requests).toHaveLength(1);
  const cart = loki.taken().filter(({ labels }) => labels["service"] === "cart");
  expect(cart.map(({ text }) => text)).toEqual(["a", "a", "c"]);
  expect(new Set(cart.map(({ ns }) => ns)).size).toBe(3);
  expect(cart.map(({ ns }) => ns)).toEqual(cart.map(({ ns }) => ns).toSorted());
  expect(cart[0]?.ns).toMatch(/^1700000000000\d{6}$/);
});

test("what Loki cannot take now is sent again as it was, before what came later, and both turns are told once", async () => {
  const loki = await standIn([503, "starting"], [429, "ingestion rate limit exceeded"]);
  const { push, told } = pushTo(loki.url);
  push.add(entry("first"));
  await eventually("a refusal", async () => (loki.requests.length > 0 ? true : undefined));
  push.add(entry("second"));
  expect(await settled(push)).toMatchObject({ sent: 2, dropped: 0, refused: 0 });
  expect(loki.taken().map(({ text }) => text)).toEqual(["first", "second"]);
  expect(loki.requests[0]?.streams[0]?.values[0]).toEqual(loki.requests[1]?.streams[0]?.values[0]);
  expect(told).toEqual([expect.stringContaining("503 starting"), "logs: Loki takes lines again"]);
});

test("with Loki away the oldest lines make room: the buffer stays bounded, and what is lost is counted and told", async () => {
  const port = await freePort();
  const { push, told } = pushTo(`http://127.0.0.1:${port}`, { maxBytes: 1_000 });
  for (let n = 0; n < 100; n++) push.add(entry(`line ${n}`.padEnd(68, ".")));
  const { waiting, dropped } = push.counts();
  expect([waiting, dropped]).toEqual([10, 90]);
  expect(push.hasRoom()).toBe(false);
  expect(told.filter((line) => line.includes("dropped"))).toHaveLength(1);
  await push.stop(50);
  expect(push.counts()).toEqual({ sent: 0, waiting: 0, dropped: 100, refused: 0 });
});

test("what Loki refuses for good is not repeated, and only the lines that it names count", async () => {
  const loki = await standIn([400, "entry for stream '{}' has timestamp too old, total ignored: 1 out of 2"], [400, "no labels"]);
  const { push, told } = pushTo(loki.url);
  push.add(entry("old", 0));
  push.add(entry("new"));
  expect(await settled(push)).toMatchObject({ sent: 1, refused: 1 });
  push.add(entry("whole"));
  expect(await settled(push)).toMatchObject({ sent: 1, refused: 2 });
  expect(told).toEqual([expect.stringMatching(/refuses 1 lines for good: 400 .*too old/)]);
});

test("a request holds at most a thousand lines", async () => {
  const loki = await standIn();
  const { push } = pushTo(loki.url);
  for (let n = 0; n < 2_500; n++) push.add(entry(`${n}`));
  await settled(push);
  expect(loki.requests.map(({ streams }) => streams[0]?.values.length)).toEqual([1_000, 1_000, 500]);
  expect(loki.taken().map(({ text }) => Number(text))).toEqual(Array.from({ length: 2_500 }, (_, n) => n));
});

test("stopping sends what waits at once, and takes nothing more", async () => {
  const loki = await standIn();
  const { push } = pushTo(loki.url, { gatherMs: 60_000 });
  push.add(entry("last"));
  await push.stop(2_000);
  push.add(entry("late"));
  expect(loki.taken().map(({ text }) => text)).toEqual(["last"]);
  expect(push.counts()).toEqual({ sent: 1, waiting: 0, dropped: 1, refused: 0 });
});
