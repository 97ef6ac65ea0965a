import { expect, test } from "vitest";
import { correlate, DEFAULT_CORRELATION, mergeByPerson, splitByPerson } from "../src/index.ts";
import { alert, groups, START, shopSet } from "./alerts.ts";

const memory = { name: "MemoryGrowing", service: "payments" } as const;
const errors = { name: "HighErrorRate", service: "checkout", at: 10 } as const;
const cpu = { name: "CpuSpinning", service: "catalog", at: 20 } as const;
const at = START + 60_000;

function cascadeAndStranger() {
  const set = shopSet();
  for (const script of [memory, errors, cpu]) correlate(set, [alert(script)]);
  const [first, second] = [...set.incidents.keys()] as [string, string];
  return { set, first, second };
}

test("merging moves every member into the incident that the person named", () => {
  const { set, first, second } = cascadeAndStranger();
  const result = mergeByPerson(set, { intoId: second, fromId: first, by: "ada", at }, DEFAULT_CORRELATION);
  if (result.kind !== "decided") throw new Error(result.reason);
  expect([...set.incidents.keys()]).toEqual([second]);
  expect(groups(set)[0]).toHaveLength(3);
  expect(result.decisions.merged).toMatchObject([
    { fingerprints: [alert(memory).fingerprint, alert(errors).fingerprint], stateBefore: "open" },
  ]);
  expect(result.decisions.facts.map(({ kind, incidentId }) => [kind, incidentId])).toEqual([
    ["merged", second],
    ["merged", first],
  ]);
});

test("splitting off what a merge moved undoes it, and the engine never merges the two again", () => {
  const { set, first, second } = cascadeAndStranger();
  const merged = mergeByPerson(set, { intoId: first, fromId: second, by: "ada", at }, DEFAULT_CORRELATION);
  if (merged.kind !== "decided") throw new Error(merged.reason);
  const fingerprints = merged.decisions.merged[0]?.fingerprints ?? [];
  const split = splitByPerson(set, { incidentId: first, fingerprints, newId: "inc_new", by: "ada", at }, DEFAULT_CORRELATION);
  if (split.kind !== "decided") throw new Error(split.reason);
  expect(groups(set)).toEqual([["checkout:HighErrorRate", "payments:MemoryGrowing"], ["catalog:CpuSpinning"]]);
  expect([...set.incidents.values()].map(({ root }) => root?.service)).toEqual(["payments", "catalog"]);
  correlate(set, [alert({ name: "HighErrorRate", service: "storefront", at: 70 })]);
  expect(set.incidents.size).toBe(2);
});

test("a split-off symptom stays where the person put it when it fires again", () => {
  const { set, first } = cascadeAndStranger();
  const symptom = alert(errors).fingerprint;
  splitByPerson(set, { incidentId: first, fingerprints: [symptom], newId: "inc_new", by: "ada", at }, DEFAULT_CORRELATION);
  correlate(set, [alert({ ...errors, endsAt: 100 })]);
  correlate(set, [alert({ ...errors, at: 120 })]);
  expect(set.alerts.get(symptom)?.incidentId).toBe("inc_new");
});

test.each([
  ["an incident with itself", (first: string) => ({ intoId: first, fromId: first })],
  ["one that is not there", (first: string) => ({ intoId: first, fromId: "inc_gone" })],
])("merging %s is refused with the reason", (_what, request) => {
  const { set, first } = cascadeAndStranger();
  const result = mergeByPerson(set, { ...request(first), by: "ada", at }, DEFAULT_CORRELATION);
  expect(result).toMatchObject({ kind: "refused", reason: expect.stringMatching(/itself|unknown/) });
});

test("splitting off everything, or nothing, is refused", () => {
  const { set, first } = cascadeAndStranger();
  const all = [...(set.incidents.get(first)?.members.keys() ?? [])];
  for (const fingerprints of [all, ["0000000000000000"]])
    expect(splitByPerson(set, { incidentId: first, fingerprints, newId: "inc_new", by: "ada", at }, DEFAULT_CORRELATION).kind).toBe(
      "refused",
    );
});
