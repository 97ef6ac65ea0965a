import { expect, test } from "vitest";
import { openLiveConnection } from "../../../src/ui/live/live-connection.ts";
import type { LiveEvent } from "../../../src/ui/view/events.ts";

class FakeSource {
  readyState = 0;
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  readonly url: string;
  readonly listeners = new Map<string, (message: { data: string }) => void>();
  constructor(url: string) {
    this.url = url;
  }
  addEventListener(name: string, listener: (message: { data: string }) => void) {
    this.listeners.set(name, listener);
  }
  open() {
    this.readyState = 1;
    this.onopen?.();
  }
  tell(id: number) {
    this.listeners.get("thought")?.({
      data: JSON.stringify({ id: String(id), at: "", incidentId: "inc_1", kind: "note", text: String(id) }),
    });
  }
  close() {
    this.readyState = 2;
  }
}

/** A browser of which the test holds every string. */
function world() {
  const sources: FakeSource[] = [];
  const timers: { ms: number; step: () => void; isOff: boolean }[] = [];
  const told: string[] = [];
  const state = { position: "5", isDown: false };
  const page = { hidden: false, listeners: [] as (() => void)[] };
  const connection = openLiveConnection(
    {
      open: (url) => {
        const source = new FakeSource(url);
        sources.push(source);
        return source as unknown as EventSource;
      },
      position: async () => {
        if (state.isDown) throw new Error("down");
        return state.position;
      },
      now: () => 0,
      after: (ms, step) => {
        const timer = { ms, step, isOff: false };
        timers.push(timer);
        return () => {
          timer.isOff = true;
        };
      },
    },
    {
      get hidden() {
        return page.hidden;
      },
      addEventListener: (_name: string, listener: () => void) => void page.listeners.push(listener),
      removeEventListener: () => {},
    } as never,
  );
  connection.onEvent((event: LiveEvent) => told.push(event.id));
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  const fire = async () => {
    for (const timer of timers.splice(0)) if (!timer.isOff) timer.step();
    await settle();
  };
  return { connection, sources, told, state, page, settle, fire };
}

test("names its place from the first connection on, so that a restart before the first event leaves no gap", async () => {
  const { connection, sources, settle, fire, state } = world();
  await connection.positioned;
  expect(sources[0]?.url).toBe("/api/v1/stream?lastEventId=5");
  sources[0]?.open();
  expect(connection.state().status).toBe("live");
  sources[0]?.onerror?.();
  expect(connection.state().status).toBe("behind");
  state.position = "7";
  await fire();
  await settle();
  expect(sources[1]?.url).toBe("/api/v1/stream?lastEventId=5");
});

test("is behind until everything that was missed has been told", async () => {
  const { connection, sources, told, state, fire } = world();
  await connection.positioned;
  sources[0]?.open();
  sources[0]?.tell(6);
  sources[0]?.onerror?.();
  state.position = "8";
  await fire();
  sources[1]?.open();
  expect(connection.state().status).toBe("behind");
  sources[1]?.tell(6); // told before
  sources[1]?.tell(7);
  expect(connection.state().status).toBe("behind");
  sources[1]?.tell(8);
  expect(connection.state().status).toBe("live");
  expect(told).toEqual(["6", "7", "8"]);
});

test("keeps trying while the server does not even answer", async () => {
  const { connection, sources, state, fire } = world();
  await connection.positioned;
  sources[0]?.open();
  state.isDown = true;
  sources[0]?.onerror?.();
  for (let n = 0; n < 5; n++) await fire();
  expect(sources).toHaveLength(1);
  state.isDown = false;
  await fire();
  expect(sources).toHaveLength(2);
});

test("a hidden page lets go of its connection and takes it up where it left off, unless it has to tell the desktop", async () => {
  const { connection, sources, page, fire, settle } = world();
  await connection.positioned;
  sources[0]?.open();
  sources[0]?.tell(6);
  page.hidden = true;
  connection.keepWhileHidden(true);
  for (const listener of page.listeners) listener();
  await fire();
  expect(sources[0]?.readyState).toBe(1);
  connection.keepWhileHidden(false);
  for (const listener of page.listeners) listener();
  await fire();
  expect(sources[0]?.readyState).toBe(2);
  page.hidden = false;
  for (const listener of page.listeners) listener();
  await settle();
  expect(sources[1]?.url).toBe("/api/v1/stream?lastEventId=6");
});
