import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mergeTopology, readTopologyFile } from "../src/topology.ts";

const service = (id: string, dependsOn: string[] = [], labels: Record<string, string> = {}) => ({ id, dependsOn, labels });

test("joins what several sources know; the first to say a label is believed", () => {
  const merged = mergeTopology(
    { services: [service("cart", ["redis"], { team: "shop" })] },
    { services: [service("cart", ["payments", "cart"], { team: "other", tier: "1" }), service("payments")] },
  );
  expect(merged.services).toEqual([
    service("cart", ["payments", "redis"], { team: "shop", tier: "1" }),
    service("payments"),
    service("redis"),
  ]);
});

test("is empty of nothing", () => {
  expect(mergeTopology()).toEqual({ services: [] });
});

test("merging twice changes nothing", () => {
  const once = mergeTopology({ services: [service("a", ["b", "c"], { x: "1" }), service("c", ["a"])] });
  expect(mergeTopology(once, once)).toEqual(once);
});

test("reads a file, and says what is wrong with one", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tocsin-topology-"));
  const file = join(folder, "topology.yaml");
  try {
    await writeFile(file, "services:\n  - id: cart\n    dependsOn: [redis]\n");
    expect(await readTopologyFile(file)).toEqual({ services: [service("cart", ["redis"])] });
    for (const [text, reason] of [
      ["services: 7", /services/],
      ["services: [", /flow|\]/i],
      ["services: [{dependsOn: [a]}]", /id/],
    ] as const) {
      await writeFile(file, text);
      await expect(readTopologyFile(file)).rejects.toMatchObject({
        code: "SIGNALS_TOPOLOGY_FILE_INVALID",
        message: expect.stringMatching(reason),
      });
    }
    await expect(readTopologyFile(join(folder, "none.yaml"))).rejects.toMatchObject({ code: "SIGNALS_TOPOLOGY_FILE_INVALID" });
  } finally {
    await rm(folder, { recursive: true });
  }
});
