import { expect, test } from "vitest";
import { byService, type Inspected, replicaOf, targetOf } from "../../src/docker/container-view.ts";

const container = (name: string, labels: Record<string, string>, state: object = {}, image = "shop:2") =>
  ({
    Id: `${name}-id`,
    Name: `/${name}`,
    RestartCount: 0,
    Config: { Image: image, Labels: labels },
    State: {
      Status: "running",
      Running: true,
      Paused: false,
      Restarting: false,
      OOMKilled: false,
      ExitCode: 0,
      StartedAt: "2026-01-01T00:00:00.5Z",
      ...state,
    },
  }) as unknown as Inspected;
const managed = { "tocsin.managed": "true" };

test("groups replicas by the service label, or by that of compose", () => {
  const services = byService([
    container("b", { ...managed, "com.docker.compose.service": "cart" }),
    container("a", { ...managed, "tocsin.service": "cart" }),
    container("c", { ...managed, "tocsin.service": "payments", "com.docker.compose.service": "other" }),
    container("d", managed),
    container("e", { ...managed, "tocsin.service": "cart", "tocsin.one-off": "true" }),
  ]);
  expect([...services].map(([id, list]) => [id, list.map((item) => item.Name)])).toEqual([
    ["cart", ["/a", "/b"]],
    ["payments", ["/c"]],
  ]);
});

test.each([
  [["x", "x-tocsin-next"], "/x"],
  [["x", "x-tocsin-prev"], "/x"],
  [["x-tocsin-prev", "x-tocsin-next"], "/x-tocsin-next"],
  [["x-tocsin-prev"], "/x-tocsin-prev"],
])("counts of %j only %s while a container is replaced", (names, counted) => {
  const services = byService(names.map((name) => container(name, { ...managed, "tocsin.service": "cart" })));
  expect(services.get("cart")?.map((item) => item.Name)).toEqual([counted]);
});

test.each([
  [{}, { state: "running", healthy: true }],
  [{ Health: { Status: "starting" } }, { state: "running", healthy: false }],
  [{ Health: { Status: "unhealthy" } }, { state: "running", healthy: false }],
  [{ Health: { Status: "healthy" } }, { state: "running", healthy: true }],
  [
    { Paused: true, Status: "paused" },
    { state: "paused", healthy: false },
  ],
  [
    { Restarting: true, Status: "restarting" },
    { state: "restarting", healthy: false },
  ],
  [
    { Running: false, Status: "exited", ExitCode: 137, OOMKilled: true },
    { state: "exited", healthy: false, exitCode: 137, oomKilled: true },
  ],
  [
    { Running: false, Status: "created", StartedAt: "0001-01-01T00:00:00Z" },
    { state: "created", healthy: false },
  ],
])("reads the state %j", (state, replica) => {
  expect(replicaOf(container("x", managed, state))).toMatchObject(replica);
});

test("a service is managed only when all of its containers are, and between two images it shows both", () => {
  const mixed = targetOf("cart", [container("a", managed), container("b", {}, {}, "shop:1")]);
  expect(mixed).toMatchObject({ managed: false, revision: "shop:2 and shop:1" });
});
