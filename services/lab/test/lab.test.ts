import { fork } from "node:child_process";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { createTeardown, silentLogger } from "@tocsin/runtime";
import { eventually } from "@tocsin/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startLab } from "../src/lab.ts";
import { type Json, type TestLab, testLab } from "./lab-client.ts";

describe("the lab's API", () => {
  let lab: TestLab;
  beforeAll(async () => {
    lab = await testLab(["inventory", "payments"]);
  });
  afterAll(async () => {
    await lab.stop();
  });

  test("names its services for Prometheus' HTTP service discovery", async () => {
    const { body } = await lab.call("GET", "/v1/scrape-targets");
    expect(body).toEqual(
      ["inventory", "payments"].map((service) => ({
        targets: [expect.stringMatching(/^127\.0\.0\.1:\d+$/)],
        labels: { job: "lab", service },
      })),
    );
  });

  test("serves the metrics that rules and signals ask for", async () => {
    expect(await lab.visit("payments", "POST", "/charges")).toBe(201);
    const text = await (await fetch(`${await lab.addressOf("payments")}/metrics`)).text();
    expect(text).toMatch(/^http_server_request_duration_seconds_count\{method="POST",route="\/charges",status_code="201"\} 1$/m);
    for (const name of [
      "process_resident_memory_bytes",
      "process_cpu_seconds_total",
      "process_start_time_seconds",
      "nodejs_eventloop_lag_p99_seconds",
      "pool_in_use",
      "pool_size",
    ])
      expect(text).toMatch(new RegExp(`^${name} `, "m"));
  });

  test("keeps log lines and spans by time", async () => {
    const from = Date.now() / 1000;
    await lab.visit("inventory", "GET", "/stock");
    const query = `service=inventory&from=${from}&limit=10`;
    const line = await eventually("the line is kept", async () => (await lab.call("GET", `/v1/logs?${query}`)).body.items[0]);
    expect(line).toMatchObject({ service: "inventory", level: "info", message: expect.stringMatching(/^GET \/stock 200 in \d+ ms$/) });
    const { body } = await lab.call("GET", `/v1/spans?${query}`);
    expect(body.items).toMatchObject([{ service: "inventory", name: "GET /stock", error: false }]);
    expect((await lab.call("GET", `/v1/spans?${query}&to=${from}`)).body.items).toEqual([]);
  });

  test.each([
    ["GET", "/v1/services/nobody", undefined, 404, "TARGET_UNKNOWN", ["inventory", "payments"]],
    ["GET", "/v1/logs?service=nobody", undefined, 404, "TARGET_UNKNOWN", ["inventory", "payments"]],
    ["POST", "/v1/services/nobody/restart", { operationId: "x" }, 404, "TARGET_UNKNOWN", ["inventory", "payments"]],
    [
      "POST",
      "/v1/services/payments/faults",
      { fault: "flood", seconds: 10 },
      404,
      "FAULT_UNKNOWN",
      ["memory-leak", "crash-loop", "error-burst", "latency", "hang", "cpu-spin"],
    ],
    ["POST", "/v1/services/nobody/faults", { fault: "hang", seconds: 10 }, 404, "TARGET_UNKNOWN", ["inventory", "payments"]],
    ["POST", "/v1/services/payments/faults", { fault: "hang", seconds: 0 }, 400, "LAB_BODY_INVALID", undefined],
    ["POST", "/v1/services/payments/restart", {}, 400, "LAB_BODY_INVALID", undefined],
    ["POST", "/v1/services/payments/scale", { operationId: "x", replicas: 2 }, 422, "TARGET_UNSUPPORTED", undefined],
    ["POST", "/v1/services/payments/rollback", { operationId: "y", toRevision: "0.0" }, 409, "TARGET_NO_PREVIOUS", ["2.7.4", "2.8.0"]],
  ] as const)("%s %s answers with a problem", async (method, path, body, status, code, known) => {
    const answer = await lab.call(method, path, body);
    expect(answer).toMatchObject({ status, body: { status, code, title: expect.any(String), detail: expect.any(String) } });
    if (known) expect(answer.body.known.map((name: string) => name.split("+")[0])).toEqual(known);
  });

  test("does an act once per operation id, also when asked twice at once", async () => {
    const operationId = "once";
    const [first, second] = await Promise.all([
      lab.act("inventory", "restart", { operationId }),
      lab.act("inventory", "restart", { operationId }),
    ]);
    expect(second.body).toEqual(first.body);
    const { body } = await lab.call("GET", "/v1/services/inventory");
    expect(body.replicas[0].startedAt).toBe(first.body.after.replicas[0].startedAt);
    expect((await lab.call("GET", "/v1/changes?service=inventory")).body.items).toHaveLength(1);
  });

  test("stops a service for good, and starts it at the same address", async () => {
    const address = await lab.addressOf("inventory");
    expect((await lab.act("inventory", "stop")).body.after.replicas[0]).toMatchObject({ state: "exited", healthy: false });
    expect(await lab.visit("inventory", "GET", "/healthz")).toBeUndefined();
    expect((await lab.act("inventory", "start")).body.after.replicas[0]).toMatchObject({ state: "running", healthy: true });
    expect(await lab.addressOf("inventory")).toBe(address);
  });

  test("undoes a rollback by the revision it came from", async () => {
    const { body: back } = await lab.act("payments", "rollback");
    expect(back.after.revision).toBe(back.before.previousRevision);
    const { body: undone } = await lab.act("payments", "rollback", { toRevision: back.before.revision });
    expect(undone.after).toMatchObject({ revision: back.before.revision, previousRevision: back.before.previousRevision });
  });

  test("sets a configuration value in a new process and, by the old value, ends field by field where it began", async () => {
    const size = () => lab.metric("payments", /^pool_size /);
    const before = (await lab.call("GET", "/v1/services/payments")).body;
    expect(before.config).toEqual({ "pool-size": null });
    const { body: set } = await lab.act("payments", "config", { name: "pool-size", value: "25" });
    expect(set.after).toMatchObject({ config: { "pool-size": "25" }, previousRevision: before.revision, replicas: [{ healthy: true }] });
    expect(await size()).toBe(25);
    const { body: back } = await lab.act("payments", "config", { name: "pool-size", value: null });
    const fields = ({ revision, previousRevision, config, labels }: Json) => ({ revision, previousRevision, config, labels });
    expect(fields(back.after)).toEqual(fields(before));
    expect(await size()).toBe(10);
    for (const wrong of [
      { name: "backend-url", value: "tcp://elsewhere" },
      { name: "pool-size", value: "25 --defect-ratio 1" },
    ])
      expect(await lab.act("payments", "config", wrong)).toMatchObject({ status: 422, body: { code: "TARGET_CONFIG_REFUSED" } });
    expect((await lab.call("GET", "/v1/services/payments")).body.revision).toBe(before.revision);
  });
});

test("a taken port starts no process and is said by its number", async () => {
  const holder = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => holder.once("listening", resolve));
  const { port } = holder.address() as { port: number };
  const teardown = createTeardown(silentLogger);
  const options = { log: silentLogger, onStop: teardown.onStop, host: "127.0.0.1", port, requestsPerSecond: 1, seed: 1 };
  await expect(startLab(options)).rejects.toMatchObject({ code: "LAB_PORT_TAKEN", message: expect.stringContaining(String(port)) });
  expect(await teardown.run()).toEqual([]);
  await new Promise((resolve) => holder.close(resolve));
});

test("no service outlives a supervisor that is killed, not even one that hangs", async () => {
  const supervisor = fork(fileURLToPath(new URL("children/run-lab.ts", import.meta.url)), { execArgv: [] });
  const { address } = await new Promise<{ address: string }>((resolve) =>
    supervisor.once("message", (message) => resolve(message as never)),
  );
  const targets = (await (await fetch(`${address}/v1/scrape-targets`)).json()) as { targets: string[] }[];
  const ports = targets.map(({ targets: [host] }) => host as string);
  const body = JSON.stringify({ fault: "hang", seconds: 600 });
  await fetch(`${address}/v1/services/payments/faults`, { method: "POST", body, headers: { "content-type": "application/json" } });
  // The kernel completes connections to a process that hangs; only when it is gone are they refused.
  const isGone = (host: string) =>
    fetch(`http://${host}/healthz`, { signal: AbortSignal.timeout(300) }).then(
      () => false,
      (error) => (error.cause as { code?: string } | undefined)?.code === "ECONNREFUSED",
    );
  expect(await isGone(ports[1] as string)).toBe(false);
  supervisor.kill("SIGKILL");
  for (const host of ports) await eventually(`${host} is gone`, async () => ((await isGone(host)) ? true : undefined));
});
