import type { Cause, Diagnosis } from "@tocsin/contracts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { applyAdvice, applyContrast, HypothesisAnswer, ORDER_MARGIN, WORD_MARGIN } from "../../src/advice/apply-advice.ts";
import type { ContrastResult } from "../../src/advice/contrast.ts";
import { factsOf } from "../../src/advice/facts.ts";

const EVIDENCE: Diagnosis["evidence"] = [1, 2, 3, 4].map((n) => ({
  id: `ev_${n}`,
  kind: "metric",
  service: `s${n}`,
  text: `s${n}: error ratio rose to 50 % from 1 % since 10:00:00.`,
}));
const cause = (n: number, score: number, confidence: number): Cause => ({
  service: `s${n}`,
  kind: "change",
  score,
  confidence,
  text: `s${n} fails.`,
  evidence: [`ev_${n}`],
});
const diagnosisOf = (verdict: Diagnosis["verdict"], causes: Cause[]): Diagnosis => ({
  verdict,
  causes,
  evidence: EVIDENCE,
  missing: [],
  at: "2026-01-01T00:00:00.000Z",
});
const three = diagnosisOf("cause", [cause(1, 4, 0.8), cause(2, 2, 0.3), cause(3, 1.99, 0.2)]);
const nothing: HypothesisAnswer = { doubts: [], order: [], contrast: [] };

describe("a model's word", () => {
  test("lowers the confidence of a candidate that it doubts with evidence, by a little", () => {
    const { diagnosis, reasons, evidence } = applyAdvice(three, factsOf(three), {
      ...nothing,
      doubts: [{ candidate: "c1", because: "weak", evidence: ["e1"] }],
    });
    expect(diagnosis.causes[0]?.confidence).toBe(0.75);
    expect(reasons).toEqual(["s1: its evidence is weak; its confidence falls from 80 % to 75 %"]);
    expect(evidence).toEqual(["ev_1"]);
  });

  test("does nothing without evidence, or about somebody who is no candidate, and that is told", () => {
    const { diagnosis, reasons } = applyAdvice(three, factsOf(three), {
      ...nothing,
      doubts: [
        { candidate: "c1", because: "weak", evidence: [] },
        { candidate: "c1", because: "weak", evidence: ["e99", "ev_1"] },
        { candidate: "c9", because: "weak", evidence: ["e1"] },
      ],
    });
    expect(diagnosis).toEqual(three);
    expect(reasons).toEqual(["3 of its doubts named no candidate or no evidence and were not heeded"]);
  });

  test("does not take an answer away: a cause stays above what is acted on", () => {
    const bare = diagnosisOf("cause", [cause(1, 4, 0.48), cause(2, 1, 0.1)]);
    const doubt = { candidate: "c1", because: "contradicted" as const, evidence: ["e1"] };
    const { diagnosis } = applyAdvice(bare, factsOf(bare), { ...nothing, doubts: [doubt, doubt, doubt] });
    expect(diagnosis).toMatchObject({ verdict: "cause", causes: [{ service: "s1", confidence: 0.45 }, {}] });
  });

  test("changes the places of neighbours that are about equal, and of no others", () => {
    const order = ["c3", "c2", "c1"];
    expect(applyAdvice(three, factsOf(three), { ...nothing, order }).diagnosis.causes.map((each) => each.service)).toEqual([
      "s1",
      "s3",
      "s2",
    ]);
    const open = { ...three, verdict: "inconclusive" as const };
    expect(applyAdvice(open, factsOf(open), { ...nothing, order }).diagnosis.causes.map((each) => each.service)).toEqual([
      "s1",
      "s3",
      "s2",
    ]);
  });

  test("asks only for contrast queries that there are", () => {
    expect(applyAdvice(three, factsOf(three), { ...nothing, contrast: ["q1", "rm -rf", "q2"] }).wanted).toEqual([]);
  });
});

const anyDiagnosis = fc
  .record({
    verdict: fc.constantFrom("cause" as const, "inconclusive" as const),
    scores: fc.array(fc.double({ min: 0, max: 8, noNaN: true }), { minLength: 1, maxLength: 5 }),
    confidences: fc.array(fc.double({ min: 0, max: 0.99, noNaN: true }), { minLength: 5, maxLength: 5 }),
  })
  .map(({ verdict, scores, confidences }) =>
    diagnosisOf(
      verdict,
      scores.toSorted((a, b) => b - a).map((score, i) => cause(i + 1, score, confidences[i] ?? 0)),
    ),
  );
const anyId = fc.oneof(fc.constantFrom("c1", "c2", "c3", "c4", "c5", "e1", "e2", "e3", "e4", "q1", ""), fc.string({ maxLength: 8 }));
const anyAnswer: fc.Arbitrary<HypothesisAnswer> = fc.record({
  doubts: fc.array(
    fc.record({
      candidate: anyId,
      because: fc.constantFrom("contradicted", "explained-by-another", "weak", "too-late"),
      evidence: fc.array(anyId, { maxLength: 8 }),
    }),
    { maxLength: 5 },
  ),
  order: fc.array(anyId, { maxLength: 5 }),
  contrast: fc.array(anyId, { maxLength: 3 }),
});

test("no answer whatsoever breaks the bounds", () => {
  fc.assert(
    fc.property(anyDiagnosis, anyAnswer, (before, answer) => {
      const { diagnosis: after } = applyAdvice(before, factsOf(before), HypothesisAnswer.parse(answer));
      expect(after.verdict).toBe(before.verdict);
      expect(after.evidence).toEqual(before.evidence);
      // The same causes with the same texts, kinds, scores and evidence: none is added, none is lost.
      const bare = (causes: readonly Cause[]) =>
        causes.map(({ confidence: _, ...rest }) => rest).toSorted((a, b) => (a.service < b.service ? -1 : 1));
      expect(bare(after.causes)).toEqual(bare(before.causes));
      const order = after.causes.map(({ service }) => before.causes.findIndex((each) => each.service === service));
      after.causes.forEach((each, place) => {
        const was = before.causes[order[place] as number] as Cause;
        expect(each.confidence).toBeLessThanOrEqual(was.confidence);
        expect(each.confidence).toBeGreaterThanOrEqual(was.confidence - WORD_MARGIN - 0.001);
        // Whoever moved, moved one place, past one that is about equal.
        const from = order[place] as number;
        expect(Math.abs(from - place)).toBeLessThanOrEqual(1);
        if (from !== place) {
          const other = before.causes[place] as Cause;
          expect(Math.min(other.score, was.score) / Math.max(other.score, was.score)).toBeGreaterThanOrEqual(ORDER_MARGIN);
        }
      });
      if (before.verdict === "cause") {
        expect(after.causes[0]?.service).toBe(before.causes[0]?.service);
        expect(after.causes[0]?.confidence).toBeGreaterThanOrEqual(Math.min(0.45, before.causes[0]?.confidence ?? 0));
      }
    }),
    { numRuns: 800 },
  );
});

describe("what a contrast query found", () => {
  const found = (verdict: ContrastResult["verdict"]): ContrastResult => ({
    query: "q1",
    verdict,
    text: "s1: the error ratio is back while alerts still fire.",
    evidence: { id: "ev_c", kind: "metric", service: "s1", text: "back" },
  });

  test("a contradiction makes the leading candidate less sure and keeps its evidence", () => {
    const { diagnosis, reason } = applyContrast(three, found("contradicted"));
    expect(diagnosis).toMatchObject({ verdict: "cause", causes: [{ service: "s1", confidence: 0.56 }, {}, {}] });
    expect(diagnosis.evidence.map(({ id }) => id)).toContain("ev_c");
    expect(reason).toContain("falls from 80 % to 56 %");
  });

  test("a contradiction takes away an answer that is then too unsure", () => {
    const unsure = diagnosisOf("cause", [cause(1, 4, 0.6)]);
    const { diagnosis } = applyContrast(unsure, found("contradicted"));
    expect(diagnosis.verdict).toBe("inconclusive");
    expect(diagnosis.unsettled).toContain("s1 looked like the cause, but");
  });

  test.each(["upheld", "silent"] as const)("%s changes nothing but the evidence", (verdict) => {
    const { diagnosis } = applyContrast(three, found(verdict));
    expect({ ...diagnosis, evidence: three.evidence }).toEqual(three);
  });

  test("nothing that is found makes anything surer", () => {
    fc.assert(
      fc.property(anyDiagnosis, fc.constantFrom("contradicted", "upheld", "silent"), (before, verdict) => {
        const { diagnosis: after } = applyContrast(before, found(verdict));
        after.causes.forEach((each, place) => {
          expect(each.service).toBe(before.causes[place]?.service);
          expect(each.confidence).toBeLessThanOrEqual(before.causes[place]?.confidence ?? 0);
        });
        if (before.verdict === "inconclusive") expect(after.verdict).toBe("inconclusive");
      }),
    );
  });
});
