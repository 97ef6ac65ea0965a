import { AlertFiring, eventOf, type OutgoingEvent } from "@tocsin/contracts";
import { AppError, silentLogger } from "@tocsin/runtime";
import { describe, expect, test } from "vitest";
import { createSender } from "../src/sender.ts";

const event = (id: string): OutgoingEvent =>
  eventOf(
    AlertFiring,
    { id, source: "/test", time: "2026-08-20T10:00:00.000Z" },
    {
      fingerprint: "0123456789abcdef",
      dedupeKey: `sha256:${"0".repeat(64)}`,
      source: "test",
      name: id,
      severity: "info",
      scope: "default",
      status: "firing",
      labels: {},
      annotations: {},
      startsAt: "2026-08-20T10:00:00.000Z",
      receivedAt: "2026-08-20T10:00:00.000Z",
    },
  );

/** A bus whose calls wait until the test lets them go. */
function assemble() {
  const calls: { ids: string[]; finish: (error?: unknown) => void }[] = [];
  const kept: string[] = [];
  const relay = {
    isQueueing: false,
    inboxAway: false,
    async keep(events: readonly OutgoingEvent[]) {
      if (relay.inboxAway) throw new Error("inbox away");
      relay.isQueueing = true;
      kept.push(...events.map(({ id }) => id));
    },
  };
  const bus = {
    publish: (events: readonly OutgoingEvent[]) =>
      new Promise<void>((resolve, reject) => {
        calls.push({ ids: events.map(({ id }) => id), finish: (error) => (error === undefined ? resolve() : reject(error)) });
      }),
  };
  const sender = createSender({ bus, relay, log: silentLogger, publishTimeoutMs: 5_000 });
  return { sender, relay, calls, kept };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));
const away = new AppError("BUS_UNAVAILABLE", "away", { retryable: true });

describe("the sender", () => {
  test("sends what came during a call together, in its order, in the next call", async () => {
    const { sender, calls } = assemble();
    const sent = ["a", "b", "c"].map((id) => sender.send([event(id), event(`${id}2`)]));
    expect(calls.map(({ ids }) => ids)).toEqual([["a", "a2"]]);
    calls[0]?.finish();
    await settled();
    expect(calls[1]?.ids).toEqual(["b", "b2", "c", "c2"]);
    calls[1]?.finish();
    expect(await Promise.all(sent)).toEqual([[], [], []]);
  });

  test("answers nobody before the call that carries his events has ended", async () => {
    const { sender, calls } = assemble();
    let answered = 0;
    const sent = ["a", "b"].map((id) => sender.send([event(id)]).then(() => answered++));
    calls[0]?.finish();
    await settled();
    expect(answered).toBe(1);
    calls[1]?.finish();
    await Promise.all(sent);
  });

  test("keeps all of a call that failed, and all that waits behind it", async () => {
    const { sender, calls, kept } = assemble();
    const sent = ["a", "b", "c"].map((id) => sender.send([event(id)]));
    calls[0]?.finish(away);
    await Promise.all(sent);
    expect(kept).toEqual(["a", "b", "c"]);
    expect(calls).toHaveLength(1);
  });

  test("tells each of a failed call when the inbox is away too, and goes on with the next", async () => {
    const { sender, relay, calls } = assemble();
    relay.inboxAway = true;
    const first = sender.send([event("a")]);
    const second = sender.send([event("b")]);
    calls[0]?.finish(away);
    await expect(first).rejects.toThrow("inbox away");
    await settled();
    calls[1]?.finish();
    expect(await second).toEqual([]);
  });

  test("names what was refused to whoever sent it alone", async () => {
    const { sender, calls } = assemble();
    const first = sender.send([event("a")]);
    const second = sender.send([event("b"), event("c")]);
    const third = sender.send([event("d")]);
    calls[0]?.finish();
    await settled();
    const refusal = new AppError("BUS_PAYLOAD_TOO_LARGE", "too large");
    calls[1]?.finish(refusal); // b, c and d together
    for (const [index, id] of ["b", "c", "d"].entries()) {
      await settled();
      expect(calls[index + 2]?.ids).toEqual([id]);
      calls[index + 2]?.finish(id === "c" ? refusal : undefined);
    }
    expect(await first).toEqual([]);
    expect((await second).map(({ event }) => event.id)).toEqual(["c"]);
    expect(await third).toEqual([]);
  });

  test("sends 1,200 events in calls of at most 500", async () => {
    const { sender, calls } = assemble();
    const sent = sender.send(Array.from({ length: 1_200 }, (_, i) => event(String(i))));
    for (let i = 0; i < 3; i++) {
      await settled();
      calls[i]?.finish();
    }
    await sent;
    expect(calls.map(({ ids }) => ids.length)).toEqual([500, 500, 200]);
  });
});
