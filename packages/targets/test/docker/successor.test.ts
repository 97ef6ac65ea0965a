import { expect, test } from "vitest";
import type { Inspected } from "../../src/docker/container-view.ts";
import { successorOf } from "../../src/docker/successor.ts";

const container = {
  Id: "0123456789abcdef",
  Name: "/cart-1",
  Config: {
    Image: "shop:2",
    Hostname: "0123456789ab",
    Cmd: ["serve", "--fast"],
    Entrypoint: ["/entry"],
    User: "",
    Env: ["PATH=/bin", "VERSION=2", "OWN=1"],
    Labels: { "tocsin.managed": "true", "tocsin.service": "cart", "tocsin.previous-image": "shop:1", maintainer: "of the image" },
    Tty: false,
    OpenStdin: false,
  },
  HostConfig: { NetworkMode: "shop_net", Binds: ["/etc/cart:/etc/cart:ro"], Memory: 5, RestartPolicy: { Name: "always" } },
  Mounts: [
    { Type: "bind", Source: "/etc/cart", Destination: "/etc/cart", RW: false },
    { Type: "volume", Name: "anonymous", Destination: "/data", RW: true },
    { Type: "volume", Name: "frozen", Destination: "/ro", RW: false },
  ],
  NetworkSettings: { Networks: { shop_net: { Aliases: ["cart", "0123456789ab"], IPAddress: "10.0.0.2" } } },
} as unknown as Inspected;
const imageConfig = {
  Cmd: ["serve"],
  Entrypoint: ["/entry"],
  Env: ["PATH=/bin", "VERSION=2"],
  Labels: { maintainer: "of the image" },
} as never;

test("differs from its predecessor in the image alone", () => {
  expect(successorOf(container, imageConfig, { image: "shop:1" }, "op-1")).toEqual({
    name: "cart-1-tocsin-next",
    Image: "shop:1",
    Cmd: ["serve", "--fast"], // its own: the image's command is another
    User: "",
    Env: ["OWN=1"], // the rest came from the image, and the other image brings its own
    Labels: {
      "tocsin.managed": "true",
      "tocsin.service": "cart",
      "tocsin.rolled-back-from": "shop:2",
      "tocsin.operation": "op-1",
    },
    Tty: false,
    OpenStdin: false,
    HostConfig: { ...container.HostConfig, Binds: ["/etc/cart:/etc/cart:ro", "anonymous:/data", "frozen:/ro:ro"] },
    NetworkingConfig: { EndpointsConfig: { shop_net: { Aliases: ["cart"] } } },
  });
});

test("an undo records where a rollback would lead again", () => {
  const rolledBack = { ...container, Config: { ...container.Config, Image: "shop:1", Labels: { "tocsin.rolled-back-from": "shop:2" } } };
  const { Labels: labels } = successorOf(rolledBack as Inspected, imageConfig, { image: "shop:2" }, "op-2");
  expect(labels).toEqual({ "tocsin.previous-image": "shop:1", "tocsin.operation": "op-2" });
});

test("keeps a host name that somebody chose", () => {
  const named = { ...container, Config: { ...container.Config, Hostname: "cart.shop" } };
  expect(successorOf(named as Inspected, imageConfig, { image: "shop:1" }, "op")).toMatchObject({ Hostname: "cart.shop" });
});

test.each(["host", "none", "default", "bridge", "container:abc"])("names no network of its own in the mode %s", (mode) => {
  const moded = { ...container, HostConfig: { ...container.HostConfig, NetworkMode: mode } };
  expect(successorOf(moded as Inspected, imageConfig, { image: "shop:1" }, "op").NetworkingConfig).toEqual({ EndpointsConfig: {} });
});

test("a copy that differs in one environment variable keeps image, rollback labels and everything else", () => {
  const labels = { "tocsin.managed": "true", "tocsin.service": "cart", "tocsin.previous-image": "shop:1" };
  const kept = { ...container, Config: { ...container.Config, Labels: labels } } as Inspected;
  const same = successorOf(kept, imageConfig, {}, "op");
  expect(same.Labels).toEqual({ ...labels, "tocsin.operation": "op" });
  const set = successorOf(kept, imageConfig, { env: { name: "POOL_SIZE", value: "20" } }, "op");
  expect(set).toEqual({ ...same, Env: [...(same.Env ?? []), "POOL_SIZE=20"] });
  const again = successorOf(kept, imageConfig, { env: { name: "POOL_SIZE", value: null } }, "op");
  expect(again).toEqual(same);
});
