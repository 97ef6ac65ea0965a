import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { silentLogger } from "@tocsin/runtime";
import { expect, test } from "vitest";
import { openTargets } from "../src/index.ts";

const open = (url: string) => openTargets({ url, labUrl: "http://127.0.0.1:1", log: silentLogger });

test.each(["lab:", "docker:///var/run/docker.sock", "docker+http://docker-proxy:2375", "none:"])(
  "opens %s without calling anybody",
  async (url) => {
    const targets = await open(url);
    expect(targets.kind).toBe(/^[a-z]+/.exec(url)?.[0]);
    await targets.close();
  },
);

test.each([
  ["kubernetes://x", "TARGET_URL_UNKNOWN_SCHEME"],
  ["docker:", "TARGET_URL_INVALID"],
  ["docker://tcp.example:2375", "TARGET_URL_INVALID"],
  ["docker+http://proxy", "TARGET_URL_INVALID"],
  ["docker+http://proxy:2375/x", "TARGET_URL_INVALID"],
  ["", "TARGET_URL_UNKNOWN_SCHEME"],
  ["/var/run/docker.sock", "TARGET_URL_UNKNOWN_SCHEME"],
])("refuses %j, naming what it knows", async (url, code) => {
  await expect(open(url)).rejects.toMatchObject({
    code,
    details: { known: ["lab:", "docker:///var/run/docker.sock", "docker+http://docker-proxy:2375", "none:"] },
  });
});

test("calls a daemon behind an address over HTTP", async () => {
  const asked: string[] = [];
  const proxy = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.end("OK");
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const targets = await open(`docker+http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
  await targets.ping();
  expect(asked).toEqual(["GET /_ping"]);
  await targets.close();
  proxy.close();
});

test("none: knows nobody and does nothing", async () => {
  const targets = await open("none:");
  expect(await targets.list()).toEqual([]);
  await expect(targets.restart("x", { operationId: "o", timeoutMs: 1 })).rejects.toMatchObject({ code: "TARGET_UNKNOWN" });
  await targets.ping();
});
