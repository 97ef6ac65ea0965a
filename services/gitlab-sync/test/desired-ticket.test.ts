import type { IncidentView } from "@tocsin/contracts";
import { readQuickActions, readReferences } from "@tocsin/testkit";
import { describe, expect, test } from "vitest";
import { type DesiredTicket, desiredTicket, NEEDS_PERSON_LABEL } from "../src/desired-ticket.ts";
import { incident, thought } from "./samples.ts";

const desired = (more: Partial<IncidentView> = {}, thoughts = [thought("diagnose", "payments stands out")]): DesiredTicket =>
  desiredTicket(incident(more), thoughts, { labels: ["tocsin"], consoleUrl: "https://console.example/" });

describe("the desired ticket", () => {
  test("shows what is broken, since when, why we think so and what is done", () => {
    const { title, description, labels, severity, state } = desired();
    expect({ title, labels, severity, state }).toEqual({
      title: "Payments: memory grows",
      labels: ["tocsin"],
      severity: "CRITICAL",
      state: "opened",
    });
    expect(description).toContain("| State | mitigating |");
    expect(description).toContain("| Cause | payments, resource (confidence 90 %): memory grew from 80 MB to 400 MB |");
    expect(description).toContain("- **MemoryHigh** of payments, critical, root: fires since 2026-08-20T10:00:00.000Z. memory above 90 %");
    expect(description).toContain("(https://console.example/incidents/inc_019a00000000700080000000deadbeef)");
  });

  test.each([
    ["open", "TRIGGERED", "opened"],
    ["investigating", "ACKNOWLEDGED", "opened"],
    ["awaiting-approval", "TRIGGERED", "opened"],
    ["escalated", "TRIGGERED", "opened"],
    ["resolved", "RESOLVED", "opened"],
    ["closed", "RESOLVED", "closed"],
  ] as const)("of a %s incident has status %s and is %s", (state, status, ticketState) => {
    expect(desired({ state })).toMatchObject({ status, state: ticketState });
  });

  test("has one note for each phase, in order, whatever the order of the thoughts", () => {
    const { notes } = desired({}, [thought("verify", "v"), thought("gather", "g1"), thought("verify", "v2"), thought("gather", "g2")]);
    expect(notes.map(({ name }) => name)).toEqual(["gather", "diagnose", "verify"]);
    expect(notes[0]?.body).toMatch(/g1[\s\S]*g2/);
    expect(notes[1]?.body).toContain("metric: resident memory rose fivefold");
  });

  test("of an incident that a person has to take over says so in a label, a row and a note", () => {
    const ticket = desired({ state: "escalated", escalation: "no runbook fits" });
    expect(ticket.needsPerson).toBe(true);
    expect(ticket.labels).toContain(NEEDS_PERSON_LABEL);
    expect(ticket.description).toContain("| Needs a person | no runbook fits |");
    expect(ticket.notes.at(-1)).toMatchObject({ name: "escalated", body: expect.stringContaining("no runbook fits") });
  });

  test("has a timeline of the first alert, the cause, the action that helped and the end", () => {
    const run = {
      id: "run_1",
      incidentId: "i",
      runbook: "restart",
      title: "Restart payments",
      digest: "d",
      parameters: {},
      state: "succeeded" as const,
      requestedAt: "2026-08-20T10:06:00.000Z",
      finishedAt: "2026-08-20T10:08:00.000Z",
      steps: [],
    };
    const thoughts = [{ ...thought("diagnose", "The cause: payments", "2026-08-20T10:05:00.000Z"), kind: "cause" }];
    expect(desired({ runs: [run], closedAt: "2026-08-20T10:20:00.000Z" }, thoughts).timeline).toEqual([
      { key: "start", at: "2026-08-20T10:00:00.000Z", note: "The first alert began to fire", tag: "Start time" },
      { key: "cause", at: "2026-08-20T10:05:00.000Z", note: "Cause: payments, resource", tag: "Cause identified" },
      { key: "run:run_1", at: "2026-08-20T10:08:00.000Z", note: "Restart payments: done and verified", tag: "Impact mitigated" },
      { key: "end", at: "2026-08-20T10:20:00.000Z", note: "Closed", tag: "End time" },
    ]);
  });

  test("of a closed incident carries the analysis, in the description and as the last note", () => {
    const ticket = desired({ state: "closed", closedAt: "2026-08-20T10:20:00.000Z", analysis: "## What happened\n\n- payments leaked" });
    expect(ticket.description).toContain("## Analysis\n\n## What happened\n\n- payments leaked");
    expect(ticket.notes.at(-1)).toMatchObject({ name: "analysis", body: expect.stringContaining("- payments leaked") });
    expect(ticket.timeline.map(({ key }) => key)).toEqual(["start", "end"]);
  });

  test("is equal for equal incidents, so that nothing is told twice", () => {
    expect(desired()).toEqual(desired());
  });

  test("stays within GitLab's limits, however much there is", () => {
    const long = "x".repeat(5_000);
    const members = Array.from({ length: 3_000 }, () => ({
      ...(incident().members[0] as IncidentView["members"][0]),
      annotations: { summary: long },
    }));
    const thoughts = Array.from({ length: 3_000 }, (_, i) => thought("gather", `${i} ${long}`));
    const ticket = desired({ members, analysis: long.repeat(300), state: "closed", title: long }, thoughts);
    expect(ticket.title.length).toBeLessThanOrEqual(255);
    expect(ticket.description.length).toBeLessThan(1_048_576);
    expect(Math.max(...ticket.notes.map(({ body }) => body.length))).toBeLessThan(200_000);
    expect(ticket.notes[0]?.body).toContain("2999 x"); // the latest is what matters
  });

  test("does nothing to GitLab, whatever alerts, runs, people or models have written", () => {
    const evil = "/close\n/label ~pwned\n@root !1 #2 ~bug <!-- tocsin:incident:x --> | ``` \n```\n/assign @root\n<img src=x>";
    const more = {
      title: evil,
      service: evil,
      scope: evil,
      state: "escalated" as const,
      escalation: evil,
      analysis: evil,
      members: incident().members.map((member) => ({ ...member, name: evil, service: evil, annotations: { summary: evil } })),
      causes: incident().causes.map((cause) => ({
        ...cause,
        service: evil,
        text: evil,
        evidence: [{ id: "e", kind: "log" as const, text: evil }],
      })),
      runs: [
        {
          id: "run_1",
          incidentId: "i",
          runbook: evil,
          title: evil,
          digest: "d",
          parameters: {},
          state: "failed" as const,
          reason: evil,
          requestedAt: "2026-08-20T10:01:00.000Z",
          steps: [{ id: evil, verb: evil, state: "failed" as const, role: "act" as const, output: evil }],
        },
      ],
    };
    const ticket = desired(more, [thought("diagnose", evil), thought("act", evil)]);
    for (const text of [ticket.description, ...ticket.notes.map(({ body }) => body), ...ticket.timeline.map(({ note }) => note)]) {
      expect(readQuickActions(text).actions).toEqual([]);
      expect(readReferences(text)).toEqual({ mentions: [], references: [] });
      expect(text).not.toMatch(/<(img|!--)/);
    }
    expect(readReferences(ticket.title)).toEqual({ mentions: [], references: [] });
  });
});
