import { silentLogger } from "@tocsin/runtime";
import { expect, test } from "vitest";
import { openTargets } from "../src/index.ts";

const open = (url: string) => openTargets({ url, labUrl: "http://127.0.0.1:1", log: silentLogger });

test.each(["lab:", "docker:///var/run/docker.sock", "none:"])("opens %s without calling anybody", async (url) => {
  const targets = await open(url);
  expect(targets.kind).toBe(url.split(":")[0]);
  await targets.close();
});

test.each(["kubernetes://x", "docker:", "docker://tcp.example:2375", "", "/var/run/docker.sock"])(
  "refuses %j, naming what it knows",
  async (url) => {
    await expect(open(url)).rejects.toMatchObject({
      code: "TARGET_URL_INVALID",
      details: { known: ["lab:", "docker:///var/run/docker.sock", "none:"] },
    });
  },
);

test("none: knows nobody and does nothing", async () => {
  const targets = await open("none:");
  expect(await targets.list()).toEqual([]);
  await expect(targets.restart("x", { operationId: "o", timeoutMs: 1 })).rejects.toMatchObject({ code: "TARGET_UNKNOWN" });
  await targets.ping();
});
