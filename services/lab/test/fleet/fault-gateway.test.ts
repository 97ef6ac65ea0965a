import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { adminServer } from "../../src/fleet/admin-server.ts";
import { faultGateway } from "../../src/fleet/fault-gateway.ts";
import { jsonOutput } from "../../src/fleet/output.ts";
import { createPool } from "../../src/fleet/pool.ts";
import { faultState } from "../../src/fleet/process-fault.ts";

const listening = async (server: Server): Promise<string> => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const silent = jsonOutput({ write: () => true, writableLength: 0 } as unknown as NodeJS.WritableStream & { writableLength: number });
const faults = faultState(createPool(10), silent);
const admin = adminServer(faults);
// Takes connections and answers nothing, as a service that hangs.
const hanging = createServer(() => {});
let gateway: Server;
let base: string;

beforeAll(async () => {
  const services = new Map([
    ["payments", await listening(admin)],
    ["cart", await listening(hanging)],
  ]);
  gateway = faultGateway(services);
  base = await listening(gateway);
});
afterAll(() => {
  faults.clear();
  for (const server of [gateway, admin, hanging]) {
    server.closeAllConnections();
    server.close();
  }
});

const call = async (method: string, path: string, body?: object) => {
  const response = await fetch(base + path, { method, ...(body ? { body: JSON.stringify(body) } : {}) });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};

test("offers the faults of a process, and of the services only those that it knows", async () => {
  const { body } = await call("GET", "/v1/faults");
  const items = body["items"] as { id: string; targets: string[]; expectedAction: string }[];
  expect(items.map(({ id }) => id)).toEqual(["memory-leak", "latency", "hang", "cpu-spin"]);
  for (const { targets, expectedAction } of items) {
    expect(targets.toSorted()).toEqual(["cart", "payments"]);
    expect(expectedAction).toBe("target.restart");
  }
});

test("passes a fault on, refuses a second one, and ends it", async () => {
  const at = "/v1/services/payments/faults";
  expect(await call("POST", at, { fault: "latency", seconds: 60 })).toMatchObject({ status: 202, body: { fault: "latency" } });
  expect(faults.active()).toEqual(["latency"]);
  expect(await call("POST", at, { fault: "cpu-spin", seconds: 60 })).toMatchObject({ status: 409, body: { code: "FAULT_ACTIVE" } });
  expect(await call("DELETE", at)).toMatchObject({ status: 200, body: { items: [] } });
  expect(faults.active()).toEqual([]);
});

test.each([
  ["a service that it does not know", "nobody", { fault: "hang", seconds: 5 }, 404, "TARGET_UNKNOWN"],
  ["a fault that needs a release", "payments", { fault: "error-burst", seconds: 5 }, 404, "FAULT_UNKNOWN"],
  ["a body that is none", "payments", { seconds: 5 }, 400, "LAB_BODY_INVALID"],
  ["seconds out of range", "payments", { fault: "latency", seconds: 0 }, 400, "LAB_BODY_INVALID"],
  ["a service that hangs", "cart", { fault: "latency", seconds: 5 }, 503, "FAULT_REFUSED"],
] as const)("refuses %s", async (_what, service, body, status, code) => {
  expect(await call("POST", `/v1/services/${service}/faults`, body)).toMatchObject({ status, body: { code } });
});
