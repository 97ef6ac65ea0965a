import { expect, test } from "vitest";
import { envOf, replicasOf } from "../src/services.ts";

const ports = Array.from({ length: 30 }, (_, n) => 9_000 + n);
const addresses = {
  storeUrl: "postgres://h/tocsin",
  busUrl: "kafka://h:1",
  cacheUrl: "redis://h:2",
  metricsUrl: "http://h:3",
  logsUrl: "embedded:",
  alerting: true,
};

test("each service once unless told, each replica with a name and a port of its own", () => {
  const replicas = replicasOf({ correlator: 2, lab: 0 }, ports);
  expect(replicas.map(({ id }) => id)).toEqual([
    "correlator-1",
    "correlator-2",
    "sre-agent-1",
    "executor-1",
    "gitlab-sync-1",
    "chaos-api-1",
    "bridge-1",
    "console-1",
  ]);
  expect(new Set(replicas.map(({ port }) => port)).size).toBe(replicas.length);
});

test("the console knows where the others answer, every replica of them", () => {
  const replicas = replicasOf({ correlator: 2, "sre-agent": 0 }, ports);
  const console_ = replicas.find(({ service }) => service === "console");
  const env = envOf(console_ as never, replicas, 8_500, addresses);
  const portOf = (id: string) => replicas.find((replica) => replica.id === id)?.port;
  expect(env["TOCSIN_CONSOLE_UPSTREAMS"]).toBe(
    `bridge=http://127.0.0.1:${portOf("bridge-1")},correlator=http://127.0.0.1:${portOf("correlator-1")}|http://127.0.0.1:${portOf("correlator-2")},executor=http://127.0.0.1:${portOf("executor-1")},chaos-api=http://127.0.0.1:${portOf("chaos-api-1")}`,
  );
});

test("the lab evaluates rules and posts itself only where no Prometheus and Alertmanager do", () => {
  const replicas = replicasOf({}, ports);
  const lab = replicas[0] as never;
  expect(envOf(lab, replicas, 8_500, addresses)).toMatchObject({ TOCSIN_LAB_PORT: "8500", TOCSIN_LAB_RULER: "off" });
  expect(envOf(lab, replicas, 8_500, { ...addresses, alerting: false })).toMatchObject({
    TOCSIN_LAB_RULER: "on",
    TOCSIN_LAB_WEBHOOK_URL: expect.stringMatching(/^http:\/\/127\.0\.0\.1:90\d\d\/webhooks\/alertmanager$/),
  });
});
