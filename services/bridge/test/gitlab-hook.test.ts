import { silentLogger } from "@tocsin/runtime";
import { changesBetween, openStore, type Store } from "@tocsin/store";
import { afterAll, beforeAll, expect, test } from "vitest";
import { assemble } from "./assembly.ts";

const TOKEN = "a-secret-of-gitlabs-hook";
const hook = (deployment_id: number, status = "success") => ({
  object_kind: "deployment",
  status,
  status_changed_at: "2026-08-20 10:04:00 UTC",
  deployment_id,
  environment: "production",
  project: { id: 7, path_with_namespace: "shop/payments" },
});

let store: Store;
let bridge: Awaited<ReturnType<typeof assemble>>;
beforeAll(async () => {
  store = await openStore({ url: "embedded:memory", log: silentLogger });
  bridge = await assemble(store, { gitlabTokens: TOKEN });
});
afterAll(async () => {
  await bridge?.stop();
  await store?.close();
});
const post = (body: unknown, headers: Record<string, string> = { "x-gitlab-token": TOKEN }) =>
  bridge.post("/webhooks/gitlab", body, headers);
const stored = async () =>
  (await changesBetween(store.sql, "2026-08-20T00:00:00.000Z", "2026-08-21T00:00:00.000Z")).map(({ id, service }) => [id, service]);

test("a deployment is stored once, however often and in which states it is told", async () => {
  expect(await post(hook(1, "running"))).toMatchObject({ status: 202, body: { accepted: 1, duplicates: 0, quarantined: 0 } });
  expect((await post(hook(1))).body).toEqual({ accepted: 0, duplicates: 1, quarantined: 0 });
  expect(await stored()).toEqual([["gitlab:7:deployment:1", "payments"]]);
});

test("a retry under the same key is answered without being read again", async () => {
  const headers = { "x-gitlab-token": TOKEN, "idempotency-key": "f5e5f430-f57b-4e6e-9fac-d9128cd7232f" };
  expect((await post(hook(2), headers)).body).toEqual({ accepted: 1, duplicates: 0, quarantined: 0 });
  expect((await post(hook(3), headers)).body).toEqual({ accepted: 0, duplicates: 1, quarantined: 0 });
  expect((await stored()).map(([id]) => id)).not.toContain("gitlab:7:deployment:3");
});

test.each([{}, { "x-gitlab-token": `${TOKEN}x` }, { "x-gitlab-token": "" }, { authorization: `Bearer ${TOKEN}` }])(
  "without the right token it is not let in: %o",
  async (headers) => {
    expect(await post(hook(4), headers)).toMatchObject({ status: 401, body: { code: "BRIDGE_UNAUTHENTICATED" } });
  },
);

test("the token opens no other webhook", async () => {
  expect((await bridge.post("/webhooks/alertmanager", {}, { "x-gitlab-token": TOKEN })).status).toBe(401);
});

test("a body that cannot be read is kept, and events that change nothing are taken", async () => {
  expect((await post("{")).body).toEqual({ accepted: 0, duplicates: 0, quarantined: 1 });
  expect(await post({ object_kind: "issue", project: { id: 7, path_with_namespace: "shop/payments" } })).toMatchObject({
    status: 202,
    body: { accepted: 0, duplicates: 0, quarantined: 0 },
  });
});
