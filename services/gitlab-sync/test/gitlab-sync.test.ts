import { type EventBus, openBus } from "@tocsin/bus";
import { eventOf, IncidentMoved, type IncidentState, ThoughtRecorded } from "@tocsin/contracts";
import { isoTime, type OnStop, silentLogger } from "@tocsin/runtime";
import { appendEvents, openStore, type Relay, type Store, startRelay, viewIncident } from "@tocsin/store";
import { eventually, type Gitlab, startGitlab } from "@tocsin/testkit";
import { Registry } from "prom-client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { GitlabSyncConfig } from "../src/config.ts";
import { gitlabSync } from "../src/module.ts";

let store: Store;
let bus: EventBus;
let relay: Relay;
let gitlab: Gitlab;
let count = 0;
beforeAll(async () => {
  store = await openStore({ url: "embedded:memory", log: silentLogger });
  bus = await openBus({ url: "embedded:", sql: store.sql, log: silentLogger });
  relay = await startRelay({ sql: store.sql, publish: (events) => bus.publish(events), log: silentLogger });
});
afterAll(async () => {
  await relay.stop();
  await bus.close();
  await store.close();
});
beforeEach(async () => {
  gitlab = await startGitlab();
  await store.sql.query("DELETE FROM tickets");
  await store.sql.query("DELETE FROM incident_members");
  await store.sql.query("DELETE FROM incidents");
  await store.sql.query("DELETE FROM jobs.job WHERE name LIKE 'gitlab-sync%'");
});
afterEach(() => gitlab.close());

/** Runs the module as `host` would, for as long as `work` takes. */
async function running(work: () => Promise<void>, more: Record<string, unknown> = {}): Promise<void> {
  const steps: (() => unknown)[] = [];
  const onStop: OnStop = (_name, step) => steps.unshift(step);
  const config = GitlabSyncConfig.parse({
    url: gitlab.url,
    token: gitlab.token,
    project: gitlab.projectPath,
    coalesceSeconds: "0",
    timeoutMs: "300",
    ...more,
  });
  await gitlabSync.start({
    config,
    bus,
    store,
    log: silentLogger,
    registry: new Registry(),
    clock: { now: Date.now, sleep: (ms: number, signal?: AbortSignal) => quick(ms, signal) },
    onStop,
  } as unknown as Parameters<typeof gitlabSync.start>[0]);
  try {
    await work();
  } finally {
    for (const step of steps) await step();
  }
}
/** Waits of the client are cut short; a sweep's is not. */
const quick = (ms: number, signal?: AbortSignal) =>
  new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, ms >= 60_000 ? ms : ms / 50);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });

async function openIncident(title = "Payments leaks"): Promise<string> {
  const id = `inc_${String(++count).padStart(28, "0")}`;
  const at = isoTime(Date.now());
  await store.sql.transaction(async (tx) => {
    await tx.query(
      `INSERT INTO incidents (id, scope, title, state, severity, service, started_at, last_alert_at)
       VALUES ($1, 'default', $2, 'open', 'critical', 'payments', $3, $3)`,
      [id, title, at],
    );
    await tell(tx, id, "open");
  });
  return id;
}
let events = 0;
const tell = (tx: Parameters<typeof appendEvents>[0], incidentId: string, state: IncidentState) => {
  const at = isoTime(Date.now());
  return appendEvents(tx, [
    eventOf(IncidentMoved, { id: `e${++events}`, source: "/test", time: at }, { incidentId, at, kind: "moved", text: state, state }),
  ]);
};
const move = (id: string, state: IncidentState, more = "") =>
  store.sql.transaction(async (tx) => {
    await tx.query(`UPDATE incidents SET state = $2, updated_at = now() ${more} WHERE id = $1`, [id, state]);
    await tell(tx, id, state);
  });
const close = (id: string) => move(id, "closed", ", closed_at = now(), analysis = '## Cause' || chr(10) || 'A leak.'");
const think = (incidentId: string, text: string) => {
  const at = isoTime(Date.now());
  return store.sql.transaction((tx) =>
    appendEvents(tx, [
      eventOf(
        ThoughtRecorded,
        { id: `e${++events}`, source: "/test", time: at },
        { incidentId, at, kind: "diagnose", text, phase: "diagnose" },
      ),
    ]),
  );
};
const isTold = (id: string) =>
  eventually(
    `gitlab knows all of ${id}`,
    async () => {
      const { rows } = await store.sql.query<{ told: boolean }>(
        `SELECT last_error IS NULL AND (synced->>'seq')::bigint >= (SELECT max(seq) FROM event_log WHERE incident_id = $1) AS told
         FROM tickets WHERE incident_id = $1`,
        [id],
      );
      return rows[0]?.told || undefined;
    },
    30_000,
  );
const posts = (path: RegExp) => gitlab.requests.filter((request) => request.method === "POST" && path.test(request.path));

describe("an incident", () => {
  test("is one GitLab incident from its first alert to its analysis", () =>
    running(async () => {
      const id = await openIncident();
      await isTold(id);
      expect(gitlab.issues).toMatchObject([{ title: "Payments leaks", issueType: "incident", severity: "CRITICAL", state: "opened" }]);
      expect((await viewIncident(store.sql, id))?.links.gitlab).toBe(`${gitlab.url}/ops/incidents/-/issues/1`);

      await think(id, "memory grows");
      await move(id, "investigating");
      await isTold(id);
      expect(gitlab.issues[0]?.notes.map(({ body }) => body)).toEqual([expect.stringContaining("memory grows")]);
      await think(id, "payments it is");
      await isTold(id);
      expect(gitlab.issues[0]?.notes).toHaveLength(1);
      expect(gitlab.issues[0]?.notes[0]).toMatchObject({ writes: 2, body: expect.stringContaining("payments it is") });

      await close(id);
      await isTold(id);
      const [issue] = gitlab.issues;
      expect(issue).toMatchObject({ state: "closed", escalationStatus: "RESOLVED" });
      expect(issue?.notes.at(-1)?.body).toContain("A leak.");
      expect(gitlab.issues).toHaveLength(1);
      const last = gitlab.requests.at(-1);
      expect(last).toMatchObject({ method: "PUT", body: { state_event: "close" } });
      expect(gitlab.effects).toEqual({ actions: [], mentions: [], references: [] });
    }));

  test("that is handed over stays open, and is given to whoever is named", () =>
    running(
      async () => {
        const id = await openIncident();
        await move(id, "escalated", ", escalation = 'no runbook fits'");
        await isTold(id);
        expect(gitlab.issues[0]).toMatchObject({ state: "opened", assignees: [{ username: "on-call" }], escalationStatus: "TRIGGERED" });
        expect(gitlab.issues[0]?.labels).toContain("needs-a-person");
        expect(gitlab.issues[0]?.description).toContain("no runbook fits");
      },
      { assignee: "@on-call" },
    ));

  test("of hostile alerts makes GitLab do nothing", () =>
    running(async () => {
      const id = await openIncident("/close\n@root");
      await think(id, "log says:\n/close\n/confidential\n@root #1");
      await isTold(id);
      expect(gitlab.issues[0]).toMatchObject({ state: "opened", confidential: false });
      expect(gitlab.effects).toEqual({ actions: [], mentions: [], references: [] });
    }));

  test("about which nothing new is known is not told of again", () =>
    running(async () => {
      const id = await openIncident();
      await isTold(id);
      const writes = () => gitlab.requests.filter(({ method }) => method !== "GET").length;
      const before = writes();
      await store.sql.transaction((tx) => tell(tx, id, "open"));
      await isTold(id);
      expect(writes()).toBe(before);
    }));

  test("that changes a hundred times at once is told of a few times", () =>
    running(
      async () => {
        const id = await openIncident();
        for (let i = 0; i < 100; i++) await think(id, `thought ${i}`);
        await isTold(id);
        expect(gitlab.issues[0]?.notes).toHaveLength(1);
        expect(gitlab.issues[0]?.notes[0]?.writes).toBeLessThan(10);
      },
      { coalesceSeconds: "1" },
    ));
});

describe("while GitLab is away", () => {
  test("incidents open and close, and each has its one closed ticket afterwards", () =>
    running(
      async () => {
        gitlab.fail({ failure: { kind: "status", status: 503 }, times: Number.POSITIVE_INFINITY });
        const ids = [await openIncident("one"), await openIncident("two")];
        await think(ids[0] as string, "seen while away");
        for (const id of ids) await close(id);
        await eventually("a failure is noted", async () => {
          const { rows } = await store.sql.query("SELECT 1 FROM tickets WHERE last_error LIKE '%503%'");
          return rows.length === 2 || undefined;
        });
        gitlab.recover();
        for (const id of ids) await isTold(id);
        expect(gitlab.issues.map(({ title, state }) => `${title} ${state}`).sort()).toEqual(["one closed", "two closed"]);
        expect(gitlab.issues.find(({ title }) => title === "one")?.notes[0]?.body).toContain("seen while away");
      },
      { sweepSeconds: "0.5" },
    ));

  test.each([
    ["it answers 502 though it made the issue", { kind: "done-then-502" }],
    ["it breaks the connection though it made the issue", { kind: "reset", after: "done" }],
    ["it says nothing", { kind: "silence" }],
    ["it limits the rate", { kind: "rate-limited", retryAfterSeconds: 1 }],
    ["it limits the rate for longer than a call waits", { kind: "rate-limited", retryAfterSeconds: 61 }],
    ["it refuses the token", { kind: "status", status: 401 }],
  ] as const)("because %s, there is one ticket in the end", (_why, failure) =>
    running(
      async () => {
        gitlab.fail({ method: "POST", path: /issues$/, failure });
        const id = await openIncident();
        if (failure.kind === "rate-limited" && failure.retryAfterSeconds > 60) {
          await eventually("the job waits for as long as GitLab asked", async () => {
            const { rows } = await store.sql.query<{ s: number }>(
              "SELECT extract(epoch FROM start_after - now())::float8 AS s FROM jobs.job WHERE name = 'gitlab-sync.open' AND state < 'active'",
            );
            return rows.some(({ s }) => s > 50) || undefined;
          });
          return;
        }
        await isTold(id);
        expect(gitlab.issues).toHaveLength(1);
        expect(posts(/issues$/).filter(({ status }) => status === 201).length).toBeLessThanOrEqual(1);
      },
      { sweepSeconds: failure.kind === "rate-limited" && failure.retryAfterSeconds > 60 ? "300" : "0.5" },
    ),
  );

  test("a new incident has its issue while what is to be said of others waits", () =>
    running(
      async () => {
        const others = [await openIncident("one"), await openIncident("two")];
        for (const id of others) await isTold(id);
        for (const _ of others) gitlab.fail({ method: "POST", path: /notes$/, failure: { kind: "silence" } });
        for (const id of others) await think(id, "a long story");
        await eventually("both workers wait for an answer", async () => posts(/notes$/).length >= 2 || undefined);
        const told = posts(/notes$/).length;
        await openIncident("three");
        await eventually("the issue is there", async () => gitlab.issues.some(({ title }) => title === "three") || undefined);
        expect(posts(/notes$/)).toHaveLength(told);
        for (const id of others) await isTold(id);
      },
      { timeoutMs: "5000", sweepSeconds: "0.5" },
    ));

  test("a note that was written though its answer was lost is there once", () =>
    running(async () => {
      const id = await openIncident();
      await isTold(id);
      gitlab.fail({ method: "POST", path: /notes$/, failure: { kind: "done-then-502" } });
      await think(id, "once");
      await isTold(id);
      expect(gitlab.issues[0]?.notes).toHaveLength(1);
    }));
});

test("a ticket whose row was lost after it was made is found again by its marks", () =>
  running(async () => {
    const id = await openIncident();
    await isTold(id);
    await store.sql.query("DELETE FROM tickets");
    await move(id, "investigating");
    await isTold(id);
    expect(gitlab.issues).toHaveLength(1);
    expect(gitlab.issues[0]?.description).toContain("| State | investigating |");
  }));

test("a GitLab without severities and timelines still gets the incident", () =>
  running(async () => {
    gitlab.fail({ path: /graphql/, failure: { kind: "status", status: 200, body: { errors: [{ message: "no such field" }] } }, times: 50 });
    const id = await openIncident();
    await close(id);
    await isTold(id);
    expect(gitlab.issues).toMatchObject([{ state: "closed", severity: "UNKNOWN" }]);
  }));

test("what happened while this module did not run is told when it starts", async () => {
  const id = await openIncident();
  await close(id);
  await running(async () => {
    await isTold(id);
    expect(gitlab.issues).toMatchObject([{ state: "closed" }]);
  });
});

test("incidents that were closed long before GitLab was configured are left alone", async () => {
  const id = await openIncident();
  await close(id);
  await store.sql.query("UPDATE incidents SET closed_at = now() - interval '2 days' WHERE id = $1", [id]);
  await running(async () => {
    const other = await openIncident("now");
    await isTold(other);
    expect(gitlab.issues.map(({ title }) => title)).toEqual(["now"]);
  });
});

test("without a URL nothing is started, and with one a token and a project are asked for", async () => {
  await gitlabSync.start({ config: GitlabSyncConfig.parse({}), log: silentLogger } as unknown as Parameters<typeof gitlabSync.start>[0]);
  const problems = GitlabSyncConfig.safeParse({ url: "https://gitlab.example" }).error?.issues.map(({ path }) => path[0]);
  expect(problems).toEqual(["token", "project"]);
});
