import { expect, test } from "vitest";
import { eventOf } from "../../src/docker/watch-containers.ts";

const line = (Action: string, Attributes: Record<string, string>) =>
  JSON.stringify({ Type: "container", Action, Actor: { ID: "c0", Attributes } });

test("an event of a service's container names its replica, an OOM kill as such", () => {
  const labels = { name: "web-1", "tocsin.service": "web" };
  expect(eventOf(line("start", labels))).toEqual({ replica: "web-1", what: "changed" });
  expect(eventOf(line("oom", labels))).toEqual({ replica: "web-1", what: "oom" });
  expect(eventOf(line("die", { name: "shop-web-1", "com.docker.compose.service": "web" }))).toEqual({
    replica: "shop-web-1",
    what: "changed",
  });
});
test("one-off containers, other people's containers and broken lines are no events", () => {
  expect(eventOf(line("start", { name: "sre-1", "tocsin.service": "web", "tocsin.one-off": "true" }))).toBeUndefined();
  expect(eventOf(line("start", { name: "postgres" }))).toBeUndefined();
  expect(eventOf('{"Action":"sta')).toBeUndefined();
  expect(eventOf("null")).toBeUndefined();
});
