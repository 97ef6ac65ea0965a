import { createServer, type Server } from "node:http";
import { eventually } from "@tocsin/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { followLab, type LabLine } from "../../src/log-agent/lab-lines.ts";

let server: Server;
let kept: LabLine[];
let cap: number;
let asked: number;
let labUrl: string;
const undo: (() => Promise<void>)[] = [];

/** As the lab answers: the newest lines from `from` on, in ascending time. */
beforeEach(async () => {
  [kept, cap, asked] = [[], 10_000, 0];
  server = createServer((request, response) => {
    asked++;
    const from = Number(new URL(request.url ?? "/", "http://lab").searchParams.get("from"));
    const items = kept.filter(({ at }) => at >= from).slice(-cap);
    response.end(JSON.stringify({ items }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  labUrl = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
});
afterEach(async () => {
  for (const step of undo.splice(0)) await step();
  server.close();
  server.closeAllConnections();
});

const line = (at: number, message: string): LabLine => ({ at, service: "cart", level: "info", message });
function follow(from: number) {
  const lines: string[] = [];
  let gaps = 0;
  const following = followLab({ labUrl, from, onLine: ({ message }) => lines.push(message), onGap: () => gaps++, everyMs: 5 });
  undo.push(() => following.stop());
  return {
    lines,
    gaps: () => gaps,
    until: (count: number) => eventually("lines", async () => (lines.length >= count ? lines : undefined)),
  };
}
const askedAgain = () => {
  const since = asked;
  return eventually("asked twice more", async () => (asked >= since + 2 ? true : undefined));
};

test("each line comes once, two that are alike come twice, and one that arrives late comes yet", async () => {
  kept = [line(99, "before"), line(100, "a"), line(100, "a"), line(101, "b")];
  const { lines, until, gaps } = follow(100);
  expect(await until(3)).toEqual(["a", "a", "b"]);
  kept.push(line(104, "d"));
  await until(4);
  kept.splice(4, 0, line(102, "late"), line(104, "d"));
  kept.sort((one, other) => one.at - other.at);
  await until(6);
  await askedAgain();
  expect(lines).toEqual(["a", "a", "b", "d", "late", "d"]);
  expect(gaps()).toBe(0);
});

test("tells when more was printed than one answer holds", async () => {
  kept = [line(100, "first")];
  const { until, gaps } = follow(100);
  await until(1);
  kept = Array.from({ length: 12_000 }, (_, n) => line(200 + n / 1_000, `${n}`));
  await until(10_001);
  expect(gaps()).toBeGreaterThan(0);
});

test("goes on when the lab was away", async () => {
  kept = [line(100, "a")];
  const { lines, until } = follow(100);
  await until(1);
  const port = Number(new URL(labUrl).port);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  kept.push(line(101, "while away"));
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  await until(2);
  expect(lines).toEqual(["a", "while away"]);
});
