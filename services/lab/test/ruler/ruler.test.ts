import type { Series } from "@tocsin/contracts";
import { silentLogger } from "@tocsin/runtime";
import { fakeClock } from "@tocsin/testkit";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import type { RuleGroup } from "../../src/ruler/rule-file.ts";
import { createRuler } from "../../src/ruler/ruler.ts";
import type { WebhookBody } from "../../src/ruler/webhook.ts";

const group: RuleGroup = {
  name: "g",
  intervalMs: 1_000,
  rules: [{ name: "Down", expr: "up == 0", forMs: 0, keepFiringMs: 0, labels: { severity: "critical" }, annotations: { summary: "down" } }],
};

/** A ruler over answers and receivers that the test decides. */
function assemble() {
  const clock = fakeClock();
  const posts: WebhookBody[] = [];
  const world = { down: [] as string[], partial: [] as string[], status: 202 };
  const answer = (): Series[] => world.down.map((service) => ({ labels: { service }, samples: [[0, 0]] }));
  const ruler = createRuler({
    groups: [group],
    metrics: { query: async () => ({ value: world.partial.length > 0 ? [] : answer(), partial: world.partial }) },
    post: async (body) => {
      posts.push(body as WebhookBody);
      return { status: world.status, text: "" };
    },
    externalUrl: "http://lab",
    clock,
    log: silentLogger,
    registry: new Registry(),
  });
  /** One evaluation, `seconds` after the one before. */
  const evaluate = async (seconds: number) => {
    await clock.advance(seconds * 1_000);
    await ruler.evaluate(group);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { posts, world, evaluate };
}

test("posts what Alertmanager would, one group per alert and service", async () => {
  const { posts, world, evaluate } = assemble();
  world.down = ["cart", "payments"];
  await evaluate(1);
  expect(posts).toHaveLength(2);
  expect(posts[0]).toEqual({
    version: "4",
    groupKey: '{}:{alertname="Down", service="cart"}',
    truncatedAlerts: 0,
    receiver: "tocsin",
    status: "firing",
    groupLabels: { alertname: "Down", service: "cart" },
    commonLabels: { alertname: "Down", service: "cart", severity: "critical" },
    commonAnnotations: { summary: "down" },
    externalURL: "http://lab",
    alerts: [
      {
        status: "firing",
        labels: { alertname: "Down", service: "cart", severity: "critical" },
        annotations: { summary: "down" },
        startsAt: "2026-01-01T00:00:01.000Z",
        endsAt: "0001-01-01T00:00:00Z",
        generatorURL: "http://lab/graph?g0.expr=up%20%3D%3D%200&g0.tab=1",
        fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
      },
    ],
  });
});

test("says it once, again after a minute, and once when it is over", async () => {
  const { posts, world, evaluate } = assemble();
  world.down = ["cart"];
  await evaluate(1);
  await evaluate(1);
  await evaluate(58);
  expect(posts).toHaveLength(1);
  await evaluate(1);
  expect(posts).toHaveLength(2);
  expect(posts[1]?.alerts[0]?.startsAt).toBe(posts[0]?.alerts[0]?.startsAt);
  world.down = [];
  await evaluate(1);
  await evaluate(60);
  expect(posts).toHaveLength(3);
  expect(posts[2]).toMatchObject({ status: "resolved", alerts: [{ status: "resolved", endsAt: "2026-01-01T00:01:02.000Z" }] });
});

test("tries again soon after 503, waiting longer each time, and loses no end meanwhile", async () => {
  const { posts, world, evaluate } = assemble();
  world.status = 503;
  world.down = ["cart"];
  await evaluate(1);
  await evaluate(0.1);
  expect(posts).toHaveLength(1);
  await evaluate(0.5);
  expect(posts).toHaveLength(2);
  await evaluate(0.4);
  expect(posts).toHaveLength(2);
  world.down = [];
  await evaluate(1);
  expect(posts).toHaveLength(3);
  world.status = 202;
  await evaluate(5);
  expect(posts.at(-1)?.status).toBe("resolved");
  await evaluate(120);
  expect(posts).toHaveLength(4);
});

test("leaves a receiver that refuses alone until the next repetition", async () => {
  const { posts, world, evaluate } = assemble();
  world.status = 401;
  world.down = ["cart"];
  await evaluate(1);
  await evaluate(30);
  expect(posts).toHaveLength(1);
  await evaluate(31);
  expect(posts).toHaveLength(2);
});

test("resolves nothing because the metrics did not answer", async () => {
  const { posts, world, evaluate } = assemble();
  world.down = ["cart"];
  await evaluate(1);
  world.partial = ["the lab is away"];
  await evaluate(1);
  await evaluate(1);
  expect(posts).toHaveLength(1);
  world.partial = [];
  await evaluate(1);
  expect(posts).toHaveLength(1);
});
