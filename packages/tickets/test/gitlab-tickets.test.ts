import { silentLogger, systemClock } from "@tocsin/runtime";
import { fakeClock, freePort, type Gitlab, startGitlab } from "@tocsin/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type GitlabTickets, type OpenGitlabOptions, openGitlab } from "../src/gitlab-tickets.ts";
import { incidentMarker, markerLabel } from "../src/marker.ts";

let gitlab: Gitlab;
beforeEach(async () => {
  gitlab = await startGitlab();
});
afterEach(() => gitlab.close());

const open = (options: Partial<OpenGitlabOptions> = {}): Promise<GitlabTickets> =>
  openGitlab({
    url: gitlab.url,
    token: gitlab.token,
    project: gitlab.projectPath,
    log: silentLogger,
    timeoutMs: 1_500,
    // Real waits are cut to a hundredth; that they are waited is checked with a clock of our own.
    clock: { now: systemClock.now, sleep: (ms, signal) => systemClock.sleep(ms / 100, signal) },
    ...options,
  });
const ticket = { incidentId: "inc_019a0000000070008000000000abcdef", title: "Payments leaks", description: "text", labels: ["tocsin"] };
const creations = () => gitlab.requests.filter(({ method, path }) => method === "POST" && path.endsWith("/issues"));

describe("a ticket", () => {
  test("is an incident with its marks, and is there once however often it is asked for", async () => {
    const tickets = await open();
    const first = await tickets.ensure(ticket);
    expect(first).toMatchObject({ iid: 1, isNew: true, webUrl: `${gitlab.url}/ops/incidents/-/issues/1` });
    expect(await tickets.ensure(ticket)).toEqual({ ...first, isNew: false });
    expect(gitlab.issues).toMatchObject([
      { title: "Payments leaks", issueType: "incident", state: "opened", labels: ["tocsin", markerLabel(ticket.incidentId)] },
    ]);
    expect(gitlab.issues[0]?.description).toBe(`${incidentMarker(ticket.incidentId)}\n\ntext`);
  });

  test("of another incident with an equal end of its id is another ticket", async () => {
    const tickets = await open();
    const other = { ...ticket, incidentId: `inc_other_${ticket.incidentId.slice(-12)}` };
    expect([(await tickets.ensure(ticket)).iid, (await tickets.ensure(other)).iid]).toEqual([1, 2]);
  });

  test("is found by the project's id as well as by its path", async () => {
    const tickets = await open({ project: String(gitlab.projectId) });
    const { iid } = await tickets.ensure(ticket);
    await tickets.setSeverity(iid, "CRITICAL");
    expect(gitlab.issues[0]?.severity).toBe("CRITICAL");
  });

  test("changes, closes and opens again", async () => {
    const tickets = await open();
    const { iid } = await tickets.ensure(ticket);
    const at = { incidentId: ticket.incidentId, iid };
    await tickets.update(at, {
      title: "T",
      description: "D",
      addLabels: ["a", "b"],
    });
    await tickets.update(at, { removeLabels: ["a"], state: "closed" });
    expect(gitlab.issues[0]).toMatchObject({ title: "T", state: "closed" });
    expect(gitlab.issues[0]?.labels).toEqual(["tocsin", markerLabel(ticket.incidentId), "b"]);
    expect(gitlab.issues[0]?.description).toBe(`${incidentMarker(ticket.incidentId)}\n\nD`);
    await tickets.update(at, { state: "opened" });
    expect(gitlab.issues[0]?.state).toBe("opened");
    expect((await tickets.ensure(ticket)).iid).toBe(iid);
  });

  test("is given to somebody, and is not taken from whoever has it", async () => {
    const tickets = await open();
    const { iid } = await tickets.ensure(ticket);
    expect(await tickets.findUser("nobody")).toBeUndefined();
    expect(await tickets.assign(iid, (await tickets.findUser("ON-CALL")) ?? 0)).toBe(true);
    expect(await tickets.assign(iid, 1)).toBe(false);
    expect(gitlab.issues[0]?.assignees).toMatchObject([{ username: "on-call" }]);
  });

  test("is found when it is closed", async () => {
    const tickets = await open();
    const { iid } = await tickets.ensure(ticket);
    await tickets.update({ incidentId: ticket.incidentId, iid }, { state: "closed" });
    expect(await tickets.ensure(ticket)).toMatchObject({ iid, isNew: false });
  });
});

describe("a note", () => {
  test("of one name is written once and then edited", async () => {
    const tickets = await open();
    const { iid } = await tickets.ensure(ticket);
    const id = await tickets.writeNote(iid, "diagnose", "first");
    expect(await tickets.writeNote(iid, "diagnose", "second", id)).toBe(id);
    expect(await tickets.writeNote(iid, "diagnose", "third")).toBe(id); // its id was lost
    await tickets.writeNote(iid, "verify", "other");
    expect(gitlab.issues[0]?.notes.map(({ body }) => body.split("\n").at(-1))).toEqual(["third", "other"]);
  });

  test("that somebody deleted is written anew", async () => {
    const tickets = await open();
    const { iid } = await tickets.ensure(ticket);
    expect(await tickets.writeNote(iid, "diagnose", "text", 999_999)).not.toBe(999_999);
    expect(gitlab.issues[0]?.notes).toHaveLength(1);
  });

  test("is found among hundreds", async () => {
    const tickets = await open({ requester: { notesPerMinute: 100_000, requestsPerMinute: 100_000 } });
    const { iid } = await tickets.ensure(ticket);
    const id = await tickets.writeNote(iid, "wanted", "text");
    for (let i = 0; i < 110; i++) await tickets.writeNote(iid, `n${i}`, "x");
    expect(await tickets.writeNote(iid, "wanted", "edited")).toBe(id);
  });
});

describe("over GraphQL", () => {
  test("severity, status and timeline are set", async () => {
    const tickets = await open();
    const { iid, issueId } = await tickets.ensure(ticket);
    await tickets.setSeverity(iid, "HIGH");
    await tickets.setEscalationStatus(iid, "ACKNOWLEDGED");
    await tickets.addTimelineEvent(issueId, { at: "2026-08-20T10:00:00.000Z", note: "began", tags: ["Start time"] });
    expect(gitlab.issues[0]).toMatchObject({
      severity: "HIGH",
      escalationStatus: "ACKNOWLEDGED",
      timeline: [{ note: "began", occurredAt: "2026-08-20T10:00:00.000Z", tags: ["Start time"] }],
    });
  });

  test("errors are seen at the top and in the payload, though HTTP says 200", async () => {
    const tickets = await open();
    const { issueId } = await tickets.ensure(ticket);
    await expect(tickets.setSeverity(99, "HIGH")).rejects.toMatchObject({ code: "TICKETS_GRAPHQL_FAILED", retryable: false });
    await expect(tickets.addTimelineEvent(issueId, { at: "now", note: "" })).rejects.toMatchObject({
      code: "TICKETS_GRAPHQL_FAILED",
      details: { mutation: "timelineEventCreate", messages: ["Note can't be blank"] },
    });
    gitlab.fail({ path: /graphql/, failure: { kind: "status", status: 200, body: "surprise" } });
    await expect(tickets.setSeverity(1, "HIGH")).rejects.toMatchObject({ code: "TICKETS_GRAPHQL_FAILED" });
  });
});

describe("when GitLab fails", () => {
  test("a 502 after the issue was made makes no second one", async () => {
    const tickets = await open();
    gitlab.fail({ method: "POST", path: /issues$/, failure: { kind: "done-then-502" } });
    expect(await tickets.ensure(ticket)).toMatchObject({ iid: 1 });
    expect([gitlab.issues.length, creations().length]).toEqual([1, 1]);
  });

  test("a connection that breaks after the issue was made makes no second one", async () => {
    const tickets = await open();
    gitlab.fail({ method: "POST", path: /issues$/, failure: { kind: "reset", after: "done" } });
    expect(await tickets.ensure(ticket)).toMatchObject({ iid: 1 });
    expect(gitlab.issues).toHaveLength(1);
  });

  test("a 502 after the note was written writes no second one", async () => {
    const tickets = await open();
    const { iid } = await tickets.ensure(ticket);
    gitlab.fail({ method: "POST", path: /notes$/, failure: { kind: "done-then-502" } });
    const id = await tickets.writeNote(iid, "diagnose", "text");
    expect(gitlab.issues[0]?.notes).toMatchObject([{ id, writes: 1 }]);
  });

  test("a creation whose outcome nobody knows is left to the caller, and nothing is created twice", async () => {
    const tickets = await open();
    gitlab.fail({ method: "POST", path: /issues$/, failure: { kind: "silence" } });
    await expect(tickets.ensure(ticket)).rejects.toMatchObject({ code: "TICKETS_OUTCOME_UNKNOWN", retryable: true });
    expect(creations()).toHaveLength(1);
    expect(await tickets.ensure(ticket)).toMatchObject({ isNew: true });
    expect(gitlab.issues).toHaveLength(1);
  });

  test.each([
    { kind: "status", status: 500 },
    { kind: "status", status: 502 },
    { kind: "status", status: 503 },
    { kind: "silence" },
    { kind: "reset", after: "nothing" },
  ] as const)("%j, what may be asked twice is asked again", async (failure) => {
    const tickets = await open();
    const { iid } = await tickets.ensure(ticket);
    gitlab.fail({ failure, times: 2 });
    await tickets.update({ incidentId: ticket.incidentId, iid }, { title: "T" });
    expect(gitlab.issues[0]?.title).toBe("T");
    gitlab.fail({ failure, times: 4 });
    await expect(tickets.update({ incidentId: ticket.incidentId, iid }, { title: "U" })).rejects.toMatchObject({
      code: "TICKETS_UNAVAILABLE",
      retryable: true,
    });
  });

  test("nobody listening at all is unavailable, also for a creation: it was never sent", async () => {
    const tickets = await open({ url: `http://127.0.0.1:${await freePort()}` });
    await expect(tickets.ensure(ticket)).rejects.toMatchObject({ code: "TICKETS_UNAVAILABLE" });
  });

  test.each([401, 403])("%i is for a person to look at and is not tried again", async (status) => {
    const tickets = await open();
    gitlab.fail({ failure: { kind: "status", status }, times: 10 });
    await expect(tickets.ensure(ticket)).rejects.toMatchObject({ code: "TICKETS_UNAUTHORIZED", retryable: false });
    expect(gitlab.requests).toHaveLength(1);
  });

  test("a wrong token and an unknown project say so, without the token", async () => {
    await expect((await open({ token: "glpat-wrong" })).ping()).rejects.toSatisfy(
      (error: Error & { code: string }) =>
        error.code === "TICKETS_UNAUTHORIZED" && !JSON.stringify({ ...error, m: error.message }).includes("glpat"),
    );
    await expect((await open({ project: "no/where" })).ping()).rejects.toMatchObject({ code: "TICKETS_NOT_FOUND" });
    await (await open()).ping();
  });

  test("a redirect is not followed with the token", async () => {
    const tickets = await open({
      requester: { fetch: async () => new Response("", { status: 302, headers: { location: "http://elsewhere" } }) },
    });
    await expect(tickets.ping()).rejects.toMatchObject({ code: "TICKETS_REJECTED", message: expect.stringContaining("elsewhere") });
  });

  test("what it rejects is said in its words", async () => {
    const tickets = await open();
    await expect(tickets.ensure({ ...ticket, title: "x".repeat(256) })).rejects.toMatchObject({
      code: "TICKETS_REJECTED",
      message: expect.stringContaining("is too long"),
    });
  });
});

describe("when GitLab limits the rate", () => {
  test("a call waits as long as it is told to, and so does every other call with the token", async () => {
    const clock = fakeClock();
    const tickets = await open({ clock });
    gitlab.fail({ failure: { kind: "rate-limited", retryAfterSeconds: 7 } });
    let done = 0;
    const pings = [tickets.ping().then(() => done++)];
    await met(() => gitlab.requests.length === 1 && clock.sleepers === 1);
    pings.push(tickets.ping().then(() => done++));
    await met(() => clock.sleepers === 2);
    await clock.advance(6_999);
    expect([gitlab.requests.length, done]).toEqual([1, 0]);
    await clock.advance(1);
    await Promise.all(pings);
    expect([gitlab.requests.length, done]).toEqual([3, 2]);
  });

  test("without saying for how long, it waits a little longer each time", async () => {
    const clock = fakeClock();
    const tickets = await open({ clock, requester: { random: () => 1 } });
    gitlab.fail({ failure: { kind: "rate-limited" }, times: 2 });
    const ping = tickets.ping();
    await met(() => clock.sleepers === 1);
    await clock.advance(1_000);
    await met(() => gitlab.requests.length === 2 && clock.sleepers === 1);
    await clock.advance(1_999);
    expect(gitlab.requests).toHaveLength(2);
    await clock.advance(1);
    await ping;
  });

  test("for longer than a call may wait, the caller is told when to come back", async () => {
    const tickets = await open();
    gitlab.fail({ failure: { kind: "rate-limited", retryAfterSeconds: 3_600 } });
    await expect(tickets.ping()).rejects.toMatchObject({
      code: "TICKETS_RATE_LIMITED",
      retryable: true,
      details: { retryAfterSeconds: 3_600 },
    });
    await expect(tickets.ping()).rejects.toMatchObject({ code: "TICKETS_RATE_LIMITED" });
    expect(gitlab.requests).toHaveLength(1); // the second call did not even ask
  });

  test("notes are held to their own budget", async () => {
    const clock = fakeClock();
    const tickets = await open({ clock });
    const { iid } = await tickets.ensure(ticket);
    let written = 0;
    const all = Promise.all(
      Array.from({ length: 12 }, async (_, i) => {
        await tickets.writeNote(iid, `n${i}`, "x");
        written++;
      }),
    );
    await met(() => written === 10);
    await clock.advance(60_000);
    await all;
    expect(gitlab.issues[0]?.notes).toHaveLength(12);
  });
});

/** Waits, in real time, for something that another part brings about. */
async function met(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`never so: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
