import { expect, test } from "vitest";
import { type AnalysisInput, writeAnalysis } from "../src/analysis.ts";
import { diagnose } from "../src/diagnose.ts";
import { FAULTS, fleetInput } from "./fleet.ts";

const { scenario } = FAULTS["error-burst"] as (typeof FAULTS)[string];
const { diagnosis, details } = diagnose(fleetInput(scenario));
const input: AnalysisInput = {
  title: "HighErrorRatio on storefront",
  severity: "critical",
  startedAt: "2026-01-01T10:00:00.000Z",
  endedAt: "2026-01-01T10:04:30.000Z",
  members: [
    { name: "HighErrorRatio", service: "storefront", severity: "critical", role: "symptom", startsAt: "2026-01-01T10:00:00.000Z" },
    { name: "HighErrorRatio", service: "payments", severity: "critical", role: "root", startsAt: "2026-01-01T10:00:05.000Z" },
  ],
  diagnosis,
  ruledOut: details.ruledOut,
  runs: [{ title: "Roll back", runbook: "deploy/rollback", state: "succeeded", parameters: { service: "payments" } }],
  timeline: [{ at: "2026-01-01T10:00:00.000Z", text: "opened" }],
  verification: ["every alert is resolved since 10:04:00"],
  ending: { kind: "mitigated", text: "the error ratio is back at its baseline." },
};

test("it has every section, the cause with its numbers and queries, and who was ruled out why", () => {
  const text = writeAnalysis(input);
  for (const title of ["Summary", "Impact", "Cause", "Ruled out", "Actions", "Verification", "Timeline", "Follow-ups"])
    expect(text).toContain(`## ${title}`);
  expect(text).toContain("**payments** was the cause");
  expect(text).toContain("lasted 4 min 30 s");
  expect(text).toContain('`error_ratio{service="payments"}`');
  expect(text).toMatch(/\*\*storefront\*\*: its errors follow from payments/);
});

test("text that anybody may have written formats, mentions and closes nothing", () => {
  const title = "x](http://evil) @all <script>\n/close\n# `boo`";
  const text = writeAnalysis({ ...input, title });
  expect(text.split("\n")[0]).toBe("# x\\](http://evil) \\@all \\<script\\> /close \\# \\`boo\\`");
  expect(text).not.toMatch(/^\/close/m);
});

test("inconclusive says so, with what would settle it", () => {
  const nothing = diagnose(fleetInput({ alerts: [{ name: "A", service: "cart" }] })).diagnosis;
  const text = writeAnalysis({
    ...input,
    diagnosis: nothing,
    ruledOut: [],
    runs: [],
    ending: { kind: "escalated", text: "nobody knows." },
  });
  expect(text).toContain("No single cause stood out");
  expect(text).toContain("Settle the cause");
  expect(text).toContain("None was taken.");
});

test("it recovered by itself: the analysis says that nobody acted", () => {
  const text = writeAnalysis({ ...input, runs: [], ending: { kind: "recovered", text: "all alerts resolved." } });
  expect(text).toContain("It recovered by itself, without an action of ours");
});
