import { describe, expect, test } from "vitest";
import { parseGitlab } from "../../src/parse/gitlab.ts";

const RULES = { services: new Map([["shop/pay-api", "payments"]]), tiers: new Set(["production", "other"]) };
const NOW = "2026-08-20T10:05:00.000Z";
const PROJECT = { id: 30, name: "Pay API", path_with_namespace: "shop/pay-api", web_url: "https://gitlab.example.com/shop/pay-api" };
const read = (hook: unknown) => parseGitlab(Buffer.from(typeof hook === "string" ? hook : JSON.stringify(hook)), RULES, NOW);

/** As docs.gitlab.com shows it, shortened. */
const deployment = (change: object = {}) => ({
  object_kind: "deployment",
  status: "success",
  status_changed_at: "2021-04-28 21:50:00 +0200",
  deployment_id: 15,
  deployable_id: 796,
  deployable_url: "https://gitlab.example.com/shop/pay-api/-/jobs/796",
  environment: "production",
  environment_tier: "production",
  environment_slug: "production",
  project: PROJECT,
  ref: "v1.4.2",
  short_sha: "279484c0",
  user: { id: 1, name: "Ada", username: "ada" },
  commit_url: "https://gitlab.example.com/shop/pay-api/-/commit/279484c0",
  commit_title: "Round amounts half up",
  ...change,
});

describe("a deployment", () => {
  test("is a change of the project's service, at GitLab's own time", () => {
    expect(read(deployment()).changes).toEqual([
      {
        id: "gitlab:30:deployment:15",
        at: "2021-04-28T19:50:00.000Z",
        service: "payments",
        kind: "deployment",
        text: "shop/pay-api deployed to production by ada: Round amounts half up (success)",
        version: "v1.4.2",
        link: "https://gitlab.example.com/shop/pay-api/-/jobs/796",
      },
    ]);
  });
  test("has one id through all its states, so that it is one change", () => {
    const ids = ["running", "success", "failed", "canceled"].map((status) => read(deployment({ status })).changes[0]?.id);
    expect(new Set(ids)).toEqual(new Set(["gitlab:30:deployment:15"]));
  });
  test.each([{ status: "created" }, { status: "blocked" }, { environment_tier: "staging" }])(
    "that changes nothing here is none: %o",
    (change) => {
      expect(read(deployment(change))).toMatchObject({ changes: [], rejections: [] });
    },
  );
  test("of an unknown project goes by the project's path, and without a link or a time it still counts", () => {
    const project = { id: 31, path_with_namespace: "shop/backend/ledger" };
    const { changes } = read(
      deployment({ project, deployable_url: null, commit_url: "javascript:alert(1)", status_changed_at: "yesterday" }),
    );
    expect(changes[0]).toMatchObject({ service: "ledger", at: NOW });
    expect(changes[0]).not.toHaveProperty("link");
  });
});

test("a pipeline counts when a job of it deployed", () => {
  const pipeline = (builds: unknown[], status = "success") => ({
    object_kind: "pipeline",
    object_attributes: {
      id: 31,
      ref: "main",
      tag: false,
      status,
      finished_at: "2016-08-12 15:26:29 UTC",
      url: "https://gitlab.example.com/p/31",
    },
    project: PROJECT,
    commit: { title: "Retry less" },
    builds,
  });
  const job = { status: "success", environment: { name: "production", action: "start", deployment_tier: "production" } };
  expect(read(pipeline([{ status: "success", environment: null }, job])).changes[0]).toMatchObject({
    id: "gitlab:30:pipeline:31",
    at: "2016-08-12T15:26:29.000Z",
    text: "pipeline of shop/pay-api deployed to production: Retry less",
  });
  expect(read(pipeline([{ status: "success", environment: null }])).changes).toEqual([]);
  expect(read(pipeline([job], "failed")).changes).toEqual([]);
});

test("releases, tags and feature flags are changes; what takes them away is none", () => {
  const release = {
    object_kind: "release",
    action: "create",
    tag: "v2",
    name: "Two",
    released_at: "2020-11-02 12:55:12 UTC",
    project: PROJECT,
  };
  expect(read(release).changes[0]).toMatchObject({ id: "gitlab:30:release:v2", kind: "deployment", version: "v2" });
  expect(read({ ...release, action: "delete" }).changes).toEqual([]);
  const tag = { object_kind: "tag_push", ref: "refs/tags/v1.0.0", checkout_sha: "82b3d5ae", project: PROJECT };
  expect(read(tag).changes[0]).toMatchObject({ version: "v1.0.0", at: NOW });
  expect(read({ ...tag, checkout_sha: null }).changes).toEqual([]);
  const flag = { object_kind: "feature_flag", object_attributes: { name: "new-checkout", active: true }, project: PROJECT };
  expect(read(flag).changes[0]).toMatchObject({ kind: "configuration", text: "feature flag new-checkout of shop/pay-api turned on" });
});

test("events that change nothing are taken and left", () => {
  for (const kind of ["issue", "note", "merge_request", "build", "__proto__"])
    expect(read({ object_kind: kind, project: PROJECT })).toMatchObject({ changes: [], rejections: [] });
});

test("what is no hook is kept with the reason", () => {
  expect(read('{"object_kind":').rejections[0]?.code).toBe("BRIDGE_BODY_UNPARSABLE");
  expect(read([1]).rejections[0]?.code).toBe("BRIDGE_FORMAT_UNKNOWN");
  expect(read({ object_kind: "deployment", status: "success", deployment_id: 1 }).rejections[0]?.reason).toBe("it names no project");
});
