import { describe, expect, test } from "vitest";
import { type DesiredTicket, desiredTicket } from "../src/desired-ticket.ts";
import { afterStep, planSync, Synced, type SyncStep } from "../src/sync-plan.ts";
import { incident, thought } from "./samples.ts";

const desired = (more = {}): DesiredTicket => desiredTicket(incident(more), [thought("diagnose", "a")], { labels: ["tocsin"] });
const nothing = Synced.parse({});
const kinds = (steps: readonly SyncStep[]) => steps.map(({ kind }) => kind);
const doAll = (ticket: DesiredTicket, synced: Synced, assignee?: string) =>
  planSync(ticket, synced, assignee).reduce((now, step) => afterStep(now, step, { noteId: 7 }), synced);

describe("the plan", () => {
  test("says everything to a GitLab that knows nothing, and closes last", () => {
    const ticket = desired({ state: "closed", closedAt: "2026-08-20T10:20:00.000Z", analysis: "done" });
    const steps = kinds(planSync(ticket, nothing, undefined));
    expect(steps.slice(0, 2)).toEqual(["severity", "edit"]);
    expect(steps.at(-1)).toBe("state");
    expect(steps.filter((kind) => kind === "note")).toHaveLength(2);
  });

  test.each(["open", "escalated", "closed"] as const)("says nothing twice about a %s incident", (state) => {
    const ticket = desired({ state });
    expect(planSync(ticket, doAll(ticket, nothing, "on-call"), "on-call")).toEqual([]);
  });

  test("says only what changed, and edits the note that is there", () => {
    const before = doAll(desired(), nothing);
    const ticket = { ...desired(), notes: [{ name: "diagnose", body: "new" }], severity: "LOW" as const };
    expect(planSync(ticket, before, undefined)).toEqual([
      { kind: "severity", severity: "LOW" },
      { kind: "note", name: "diagnose", body: "new", id: 7 },
    ]);
  });

  test("gives what a person has to take over to somebody, once, and takes the label off afterwards", () => {
    const escalated = desired({ state: "escalated" });
    const steps = planSync(escalated, doAll(desired(), nothing), "on-call");
    expect(steps).toContainEqual({ kind: "assign", username: "on-call" });
    const then = doAll(escalated, nothing, "on-call");
    const edit = planSync(desired({ state: "closed" }), then, "on-call").find(({ kind }) => kind === "edit");
    expect(edit).toMatchObject({ removeLabels: ["needs-a-person"], addLabels: [] });
  });

  test("nobody is assigned while nobody is needed or configured", () => {
    expect(kinds(planSync(desired(), nothing, "on-call"))).not.toContain("assign");
    expect(kinds(planSync(desired({ state: "escalated" }), nothing, undefined))).not.toContain("assign");
  });
});
