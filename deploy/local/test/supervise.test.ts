import { expect, test } from "vitest";
import type { Exit, RunningService } from "../src/service-process.ts";
import { createSupervisor } from "../src/supervise.ts";

/** A service that ends when told. */
function service(output = "") {
  const exited = Promise.withResolvers<Exit>();
  const running: RunningService = {
    service: "bridge",
    pid: process.pid,
    address: "http://127.0.0.1:1",
    kill: () => {},
    exited: exited.promise,
    output: () => output,
    ready: async () => true,
    stop: async () => {},
  };
  return { running, end: (exit: Exit) => exited.resolve(exit) };
}

function watched(restartService: (id: string) => Promise<RunningService>) {
  const changed: (() => void)[] = [];
  const supervisor = createSupervisor({
    version: "1",
    restartService,
    onChange: () => {
      for (const wake of changed.splice(0)) wake();
    },
    onProgress: () => {},
  });
  supervisor.begin();
  const one = () => supervisor.units()[0];
  const until = async (state: string) => {
    while (one()?.state !== state) await new Promise<void>((resolve) => changed.push(resolve));
    return one();
  };
  return { supervisor, until };
}

test("what is killed waits, is started again, and is counted", async () => {
  const [first, second] = [service('tocsin: bridge failed: no luck (X_Y)\n{"level":"info"}\n'), service()];
  const { supervisor, until } = watched(async () => second.running);
  supervisor.service("bridge-1", first.running);
  expect(await until("up")).toMatchObject({ restarts: 0 });
  first.end({ code: 1, signal: null });
  expect(await until("waiting")).toMatchObject({ lastExit: "ended with exit code 1: bridge failed: no luck (X_Y)" });
  expect(await until("up")).toMatchObject({ restarts: 1, lastExit: expect.stringContaining("no luck") });
  supervisor.stop();
});

test("what does not start waits longer each time, with the line it ended with", async () => {
  const { supervisor, until } = watched(() =>
    Promise.reject(new Error("node ended with 1:\ntocsin: the database is away (STORE_UNAVAILABLE)\n")),
  );
  supervisor.failed("bridge-1", "http://127.0.0.1:1", "node ended with 1:\ntocsin: the database is away (STORE_UNAVAILABLE)\n");
  const first = await until("waiting");
  expect(first?.lastExit).toBe("node ended with 1: the database is away (STORE_UNAVAILABLE)");
  await until("starting");
  expect(await until("waiting")).toMatchObject({ restarts: 1 });
  supervisor.stop();
});

test("while the stack starts, what ends is noted and started again only when all has started", async () => {
  const [first, second] = [service(), service()];
  let restarted = 0;
  const supervisor = createSupervisor({
    version: "1",
    restartService: async () => {
      restarted++;
      return second.running;
    },
    onChange: () => {},
    onProgress: () => {},
  });
  supervisor.service("bridge-1", first.running);
  first.end({ code: 0, signal: null });
  await first.running.exited;
  await new Promise((resolve) => setImmediate(resolve));
  expect({ restarted, state: supervisor.units()[0]?.state }).toEqual({ restarted: 0, state: "up" });
  supervisor.begin();
  expect(supervisor.units()[0]).toMatchObject({ state: "waiting", lastExit: "ended with exit code 0" });
  supervisor.stop();
});

test("nothing is started again once it stops", async () => {
  const first = service();
  let restarted = 0;
  const { supervisor, until } = watched(async () => {
    restarted++;
    return service().running;
  });
  supervisor.service("bridge-1", first.running);
  await until("up");
  supervisor.stop();
  first.end({ code: 0, signal: null });
  await first.running.exited;
  await new Promise((resolve) => setImmediate(resolve));
  expect({ restarted, state: supervisor.units()[0]?.state }).toEqual({ restarted: 0, state: "up" });
});
