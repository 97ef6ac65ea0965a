import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Gitlab, startGitlab } from "../../src/gitlab/start-gitlab.ts";

let gitlab: Gitlab;
beforeEach(async () => {
  gitlab = await startGitlab();
});
afterEach(() => gitlab.close());

const call = async (method: string, path: string, body?: unknown, token = gitlab.token) => {
  const answer = await fetch(`${gitlab.url}${path}`, {
    method,
    headers: { "private-token": token, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(300),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    headers: answer.headers,
    body: answer.headers.get("content-type")?.includes("json") ? JSON.parse(text) : text,
  };
};
const issues = "/api/v4/projects/ops%2Fincidents/issues";

describe("the stand-in", () => {
  test("holds issues that are found by label and state, by path or id of the project, page by page", async () => {
    for (let i = 0; i < 3; i++) await call("POST", issues, { title: `T${i}`, issue_type: "incident", labels: i === 1 ? "a,b" : "a" });
    await call("PUT", `${issues}/1`, { state_event: "close" });
    expect((await call("GET", `${issues}?labels=a,b`)).body).toMatchObject([{ title: "T1", labels: ["a", "b"], issue_type: "incident" }]);
    const page = await call("GET", `/api/v4/projects/77/issues?labels=a&state=opened&per_page=1`);
    expect([page.body.length, page.headers.get("x-next-page"), page.headers.get("x-total")]).toEqual([1, "2", "2"]);
  });

  test("acts on what text says", async () => {
    await call("POST", issues, { title: "T", description: "text\n/confidential" });
    await call("POST", `${issues}/1/notes`, { body: "see @root\n/close" });
    expect(gitlab.issues).toMatchObject([{ description: "text", confidential: true, state: "closed", notes: [{ body: "see @root" }] }]);
    expect(gitlab.effects).toMatchObject({ actions: [{ command: "confidential" }, { command: "close" }], mentions: ["root"] });
  });

  test("lets nobody in without its token, and says how much is left", async () => {
    expect((await call("GET", issues, undefined, "wrong")).status).toBe(401);
    expect((await call("GET", issues)).headers.get("ratelimit-remaining")).toBe("1998");
  });

  test("says 200 to GraphQL whatever comes of it", async () => {
    const answer = await call("POST", "/api/graphql", {
      query: "mutation ($input: X!) { nope(input: $input) { errors } }",
      variables: { input: {} },
    });
    expect(answer).toMatchObject({ status: 200, body: { errors: [{ message: expect.stringContaining("nope") }] } });
  });
});

describe("a scripted failure", () => {
  test("meets the requests that it is for, as often as it says", async () => {
    gitlab.fail({ method: "POST", path: /issues$/, failure: { kind: "rate-limited", retryAfterSeconds: 3 }, times: 1 });
    expect((await call("GET", issues)).status).toBe(200);
    const limited = await call("POST", issues, { title: "T" });
    expect([limited.status, limited.headers.get("retry-after"), limited.body]).toEqual([429, "3", "Retry later\n"]);
    expect((await call("POST", issues, { title: "T" })).status).toBe(201);
    expect(gitlab.pendingFailures).toBe(0);
  });

  test("may lose the answer to what was done", async () => {
    gitlab.fail({ failure: { kind: "done-then-502" } });
    expect((await call("POST", issues, { title: "T" })).status).toBe(502);
    gitlab.fail({ failure: { kind: "reset", after: "done" } });
    await expect(call("POST", issues, { title: "U" })).rejects.toThrow();
    expect(gitlab.issues.map(({ title }) => title)).toEqual(["T", "U"]);
  });

  test("may be silence, before anything is done", async () => {
    gitlab.fail({ failure: { kind: "silence" } });
    await expect(call("POST", issues, { title: "T" })).rejects.toThrow(/timeout/);
    gitlab.fail({ failure: { kind: "reset", after: "nothing" } });
    await expect(call("POST", issues, { title: "T" })).rejects.toThrow();
    expect(gitlab.issues).toEqual([]);
  });
});
