import { systemClock } from "@tocsin/runtime";
import { eventually, lacksLoki, type RunningLoki, startLoki } from "@tocsin/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createLokiLogs } from "../../src/loki/loki-logs.ts";

// The first run on a machine builds Loki, which takes minutes.
const BUILD_MS = 1_800_000;

describe.skipIf(lacksLoki())("a real Loki", () => {
  const now = Math.floor(Date.now() / 1_000);
  const window = { from: now - 600, to: now + 1 };
  let loki: RunningLoki;

  beforeAll(async () => {
    loki = await startLoki({ multiTenant: true });
    const cart = Array.from({ length: 1_500 }, (_, i) => [now - 300 + i / 10, `line ${i}`] as const);
    await loki.push({ app: "cart", pod: "a" }, cart, "team-a");
    await loki.push(
      { app: "cart", pod: "b" },
      [[now - 1, '{"level":"error","msg":"pay failed","err":{"message":"postgres://app:hunter2@db refused"}}']],
      "team-a",
    );
    await loki.push({ app: 'odd "name"\\' }, [[now - 1, "mine"]], "team-a");
    await loki.push({ app: "cart" }, [[now - 1, "of another team"]], "team-b");
  }, BUILD_MS);
  afterAll(() => loki?.stop());

  const open = (tenant?: string, bytesBudget?: number) =>
    createLokiLogs({
      url: loki.url,
      clock: systemClock,
      ...(tenant === undefined ? {} : { tenant }),
      ...(bytesBudget === undefined ? {} : { bytesBudget }),
    });

  test("gives the newest lines of all streams of a service, in order, redacted, and of the tenant alone", async () => {
    const { value, partial } = await eventually("lines", async () => {
      const answer = await open("team-a").lines("cart", window, 5_000);
      return answer.value.length > 0 ? answer : undefined;
    });
    expect(partial).toEqual([]);
    expect(value).toHaveLength(1_000);
    expect(value.at(-1)).toEqual({ at: now - 1, service: "cart", level: "error", message: "pay failed: postgres://[redacted]@db refused" });
    expect(value.at(-2)?.message).toBe("line 1499");
    expect(value.map((line) => line.at)).toEqual(value.map((line) => line.at).toSorted((a, b) => a - b));
  });

  test("a service whose name has quotes and backslashes is found", async () => {
    expect((await open("team-a").lines('odd "name"\\', window, 10)).value.map((line) => line.message)).toEqual(["mine"]);
  });

  test("a service nobody logs for is said to be unknown", async () => {
    const { value, partial } = await open("team-a").lines("nobody", window, 10);
    expect([value, partial]).toEqual([[], [expect.stringContaining("LOKI_SERVICE_UNKNOWN")]]);
  });

  test("a window before the first line is empty", async () => {
    expect((await open("team-a").lines("cart", { from: now - 7_200, to: now - 3_600 }, 10)).value).toEqual([]);
  });

  test("without a tenant it refuses in plain text, which is handed on", async () => {
    const { value, partial } = await open().lines("cart", window, 10);
    expect([value, partial]).toEqual([[], [expect.stringMatching(/LOKI_QUERY_FAILED: Loki answered 401 .*no org id/)]]);
  });

  test("is ready when asked", async () => {
    await expect(open("team-a").ping()).resolves.toBeUndefined();
  });
});
