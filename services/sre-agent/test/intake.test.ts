import {
  ActionDenied,
  ActionFinished,
  ActionStarted,
  type Envelope,
  IncidentJoined,
  IncidentOpened,
  IncidentRecovered,
  IncidentRefired,
} from "@tocsin/contracts";
import type { Queryable } from "@tocsin/runtime";
import { silentLogger } from "@tocsin/runtime";
import { type NewJob, openStore, type Store } from "@tocsin/store";
import { afterAll, beforeAll, expect, test } from "vitest";
import { jobFor, takeEvents } from "../src/intake.ts";

const AT = "2026-01-01T00:00:00.000Z";
const fact = { incidentId: "inc_1", at: AT, kind: "x", text: "x", state: "open" };
const action = { incidentId: "inc_1", at: AT, kind: "x", text: "x", runId: "run_1", runbook: "r", digest: "d", state: "failed" };
const envelope = (type: string, data: unknown, id = "ev_1"): Envelope => ({ id, type, source: "/test", time: AT, data });

test.each([
  [IncidentOpened.type, fact, "investigate"],
  [IncidentRecovered.type, fact, "conclude"],
  [IncidentRefired.type, fact, "conclude"],
  [ActionFinished.type, action, "conclude"],
  [ActionDenied.type, action, "conclude"],
] as const)("%s asks to %s", (type, data, job) => {
  expect(jobFor(envelope(type, data))).toMatchObject({ job, incidentId: "inc_1" });
});

test.each([
  [IncidentJoined.type, fact],
  [ActionStarted.type, action],
] as const)("%s asks for nothing", (type, data) => {
  expect(jobFor(envelope(type, data))).toBeUndefined();
});

let store: Store;
beforeAll(async () => {
  store = await openStore({ url: "embedded:memory", log: silentLogger });
});
afterAll(() => store.close());

test("an event delivered twice, in one delivery or two, asks once", async () => {
  const sent: NewJob[] = [];
  const jobs = {
    send: (_tx: Queryable, job: NewJob) => {
      sent.push(job);
      return Promise.resolve();
    },
    work: () => Promise.reject(new Error("not here")),
  };
  const opened = envelope(IncidentOpened.type, fact, "inc_1:opened");
  const recovered = envelope(IncidentRecovered.type, fact, "inc_1:recovered");
  await takeEvents({ sql: store.sql, jobs }, [opened, recovered], 3);
  await takeEvents({ sql: store.sql, jobs }, [opened, recovered], 3);
  expect(sent.map(({ queue, startAfterSeconds }) => [queue, startAfterSeconds])).toEqual([
    ["sre-agent.investigate", 3],
    ["sre-agent.conclude", undefined],
  ]);
});

test("when the job cannot be sent, the event counts as not handled", async () => {
  const opened = envelope(IncidentOpened.type, fact, "inc_2:opened");
  const failing = { send: () => Promise.reject(new Error("no jobs")), work: () => Promise.reject(new Error("not here")) };
  await expect(takeEvents({ sql: store.sql, jobs: failing }, [opened], 0)).rejects.toThrow("no jobs");
  let sent = 0;
  const working = {
    send: () => {
      sent++;
      return Promise.resolve();
    },
    work: failing.work,
  };
  await takeEvents({ sql: store.sql, jobs: working }, [opened], 0);
  expect(sent).toBe(1);
});
