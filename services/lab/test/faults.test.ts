// Every fault against real processes: its effect on the service itself, its symptom at a caller, what cures it and what does not.
import { eventually } from "@tocsin/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Json, type TestLab, testLab } from "./lab-client.ts";

let lab: TestLab;
beforeAll(async () => {
  lab = await testLab(["inventory", "payments", "cart", "checkout"]);
});
afterAll(async () => {
  expect(await lab.stop()).toEqual([]);
});

const inject = (fault: string) => lab.call("POST", "/v1/services/payments/faults", { fault, seconds: 120 });
const charge = (timeoutMs?: number) => lab.visit("payments", "POST", "/charges", timeoutMs);
const order = () => lab.visit("checkout", "POST", "/orders");
const logged = async (text: string | RegExp, service = "payments") =>
  (await lab.call("GET", `/v1/logs?service=${service}`)).body.items.some((line: Json) => line.message.match(text));
const replica = async () => (await lab.call("GET", "/v1/services/payments")).body.replicas[0];
const activeFaults = async () => (await lab.call("GET", "/v1/services/payments/faults")).body.items;

async function expectCured() {
  expect(await activeFaults()).toEqual([]);
  expect(await charge()).toBe(201);
  expect(await order()).toBe(201);
}

describe("memory-leak", () => {
  const resident = () => lab.metric("payments", /^process_resident_memory_bytes /);
  test("makes the process grow until a restart", async () => {
    const before = (await resident()) ?? 0;
    expect((await inject("memory-leak")).status).toBe(202);
    await eventually("it has grown by 15 MB", async () => (((await resident()) ?? 0) > before + 15e6 ? true : undefined));
    expect((await lab.act("payments", "restart")).body.text).toBe("restarted payments; it is healthy");
    expect(await resident()).toBeLessThan(before + 15e6);
    await expectCured();
  });
});

describe("noise", () => {
  test("is loud in the logs and harms no request, and is not offered as a drill", async () => {
    expect((await inject("noise")).status).toBe(202);
    await eventually("it complains", async () => ((await logged(/usage report \d+ not delivered/)) ? true : undefined));
    const begin = performance.now();
    expect(await order()).toBe(201);
    expect(performance.now() - begin).toBeLessThan(5_000);
    expect((await lab.call("GET", "/v1/faults")).body.items.map((fault: Json) => fault.id)).not.toContain("noise");
    await lab.call("DELETE", "/v1/services/payments/faults");
    await expectCured();
  });
});

describe("latency", () => {
  test("takes most of the pool and slows the service and its caller until a restart", async () => {
    await inject("latency");
    const begin = performance.now();
    expect(await order()).toBe(201);
    expect(performance.now() - begin).toBeGreaterThan(250);
    expect(await lab.metric("payments", /^pool_in_use /)).toBeGreaterThanOrEqual(8);
    await eventually("it says so", async () => ((await logged(/slow query on the ledger/)) ? true : undefined));
    await lab.act("payments", "restart");
    expect(await lab.metric("payments", /^pool_in_use /)).toBeLessThan(8);
    await expectCured();
  });

  test("answers 503 when nothing comes free in time, and the caller says whom it called", async () => {
    await inject("latency");
    const statuses = await Promise.all(Array.from({ length: 20 }, () => charge()));
    expect(statuses).toContain(503);
    await eventually("it says so", async () => ((await logged(/no connection to the ledger within \d+ ms/)) ? true : undefined));
    await lab.act("payments", "restart");
    await expectCured();
  });
});

describe("hang", () => {
  test("leaves the process alive and silent, while its caller answers in time that it got no answer", async () => {
    await inject("hang");
    await eventually("it answers no more", async () => ((await charge(500)) === undefined ? true : undefined));
    expect(await lab.metric("payments", /./)).toBeUndefined();
    expect((await replica()).state).toBe("running");
    expect(await order()).toBe(504);
    await eventually("the caller says so", async () =>
      (await logged(/call to payments failed: no answer within/, "checkout")) ? true : undefined,
    );
    await eventually("the supervisor sees it", async () => ((await replica()).healthy ? undefined : true));
    const { body } = await lab.act("payments", "restart");
    expect(body.after.replicas[0]).toMatchObject({ state: "running", healthy: true });
    await expectCured();
  });

  test("is cleared by a new process, since nothing can be told to the old one", async () => {
    await inject("hang");
    await eventually("it answers no more", async () => ((await charge(500)) === undefined ? true : undefined));
    expect((await lab.call("DELETE", "/v1/services/payments/faults")).status).toBe(200);
    await expectCured();
  });
});

describe("cpu-spin", () => {
  const cpuSeconds = () => lab.metric("payments", /^process_cpu_seconds_total /);
  test("burns CPU and still answers, until a restart", async () => {
    await inject("cpu-spin");
    const before = (await cpuSeconds()) ?? 0;
    await eventually("it has burnt half a second", async () => (((await cpuSeconds()) ?? 0) > before + 0.5 ? true : undefined));
    expect(await charge()).toBe(201);
    await lab.act("payments", "restart");
    await expectCured();
  });
});

describe("crash-loop", () => {
  test("survives a restart, shows as restarts with their exit code, and ends with a rollback", async () => {
    await inject("crash-loop");
    expect(await charge()).toBe(503);
    expect(await order()).toBe(502);
    const restarts = await eventually(
      "it has crashed",
      async () => ((await replica()).restarts > 0 ? (await replica()).restarts : undefined),
      15_000,
    );
    expect(await replica()).toMatchObject({ exitCode: 78, restarts, healthy: false });
    expect(await logged(/exiting with code 78/)).toBe(true);

    const restarted = await lab.act("payments", "restart", { timeoutMs: 1_500 });
    expect(restarted.body.text).toMatch(/runs but was not healthy/);
    expect(await activeFaults()).toHaveLength(1);

    const { body } = await lab.act("payments", "rollback");
    expect(body.text).toMatch(/^rolled payments back .*; it is healthy$/);
    const { body: changes } = await lab.call("GET", "/v1/changes?service=payments");
    expect(changes.items.filter((change: Json) => change.kind === "configuration")).toMatchObject([
      { version: body.before.revision, previousVersion: body.after.revision, text: expect.stringContaining("{port}") },
      { version: body.after.revision, previousVersion: body.before.revision },
    ]);
    await expectCured();
  });
});

describe("error-burst", () => {
  const failures = async () => {
    const statuses = await Promise.all(Array.from({ length: 30 }, () => charge()));
    return statuses.filter((status) => status === 500).length;
  };
  test("comes with a release, survives a restart, and ends with a rollback", async () => {
    await inject("error-burst");
    await eventually("the release listens", async () => ((await charge()) === undefined ? undefined : true));
    expect(await failures()).toBeGreaterThan(8);
    expect(await logged(/TypeError: Cannot read properties of undefined/)).toBe(true);
    await lab.act("payments", "restart");
    expect(await failures()).toBeGreaterThan(8);
    const { body } = await lab.act("payments", "rollback");
    expect(body).toMatchObject({
      before: { revision: expect.stringMatching(/^2\.9\.0/) },
      after: { revision: expect.stringMatching(/^2\.8\.0/) },
    });
    expect(await failures()).toBe(0);
    const { body: changes } = await lab.call("GET", "/v1/changes?service=payments");
    expect(changes.items.filter((change: Json) => change.kind === "deployment")[0].text).toBe("payments 2.9.0 released in place of 2.8.0");
    await expectCured();
  });

  test("ends by itself, with the version that ran before", async () => {
    await lab.call("POST", "/v1/services/payments/faults", { fault: "error-burst", seconds: 1 });
    await eventually("the version before runs", async () => ((await activeFaults()).length === 0 ? true : undefined));
    await eventually("it is healthy", async () => ((await replica()).healthy ? true : undefined));
    expect((await lab.call("GET", "/v1/services/payments")).body.revision).toMatch(/^2\.8\.0/);
  });
});

test("one fault at a time in a service", async () => {
  const both = await Promise.all([inject("cpu-spin"), inject("memory-leak")]);
  expect(both.map((answer) => answer.status).sort()).toEqual([202, 409]);
  expect(both.find((answer) => answer.status === 409)?.body.code).toBe("FAULT_ACTIVE");
  await lab.call("DELETE", "/v1/services/payments/faults");
  await expectCured();
});
