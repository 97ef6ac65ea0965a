import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkClaims, strayNumber } from "../src/check-claims.ts";

const known = new Map([
  ["e1", "The error ratio of payments rose from 0.2 % to 12 % at 10:00:03 and p95 latency is 0.35 s."],
  ["e2", 'payments logs a new error line (25 lines since 10:00:00, before 0): "pool-7 exhausted".'],
]);
const reasonOf = (text: string, evidence: string[] = ["e1"]) => checkClaims([{ text, evidence }], known).dropped[0]?.reason;

describe("numbers of the evidence", () => {
  test.each([
    "The error ratio rose to 12 %.",
    "The error ratio rose to 0.12.",
    "The error ratio rose from 0.002 to 12%.",
    "It began at 10:00.",
    "It began at 10:00:03 with p95 at 350 ms.",
    "Latency reached 0.35 seconds.",
    "Latency reached 0.4 s.",
  ])("are known again: %s", (text) => expect(reasonOf(text)).toBeUndefined());

  test.each([
    "The error ratio rose to 13 %.",
    "The error ratio rose to 12.4 %.",
    "Latency reached 35 ms.",
    "It began at 10:01.",
    "It lasted 12 s.",
    "Errors doubled.",
    "Hundreds of users are hit.",
    "Three services fail.",
    "٣ services fail.",
    "Ⅻ services fail.",
    "shard-9 fails.",
    "10.0.0.7 fails.",
  ])("are not there: %s", (text) => expect(reasonOf(text)).toBe("number-not-in-evidence"));

  test("are looked for in what the sentence names, not in the rest", () => {
    expect(reasonOf("There are 25 lines.", ["e1"])).toBe("number-not-in-evidence");
    expect(reasonOf("There are 25 lines.", ["e2"])).toBeUndefined();
    expect(reasonOf("There are 25 lines and 12 %.", ["e2", "e1"])).toBeUndefined();
  });

  test("are known again after any rounding that a person would do, and never when further off", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 99_999 }), fc.integer({ min: 0, max: 3 }), (thousandths, decimals) => {
        const value = thousandths / 1_000;
        const said = value.toFixed(decimals);
        expect(strayNumber(`It took ${said} s.`, `took ${value} s`)).toBeUndefined();
        expect(strayNumber(`It took ${(Number(said) + 2 / 10 ** decimals).toFixed(decimals)} s.`, `took ${value} s`)).toBeDefined();
      }),
    );
  });
});

describe("sentences", () => {
  test.each([
    ["", ["e1"], "empty"],
    ["\u200b\u202e", ["e1"], "empty"],
    ["payments fails.", [], "no-evidence"],
    ["payments fails.", ["e1", "ev_invented"], "unknown-evidence"],
    ["See https://evil.example/x.", ["e1"], "unsafe-text"],
    ["[payments](javascript:alert) fails.", ["e1"], "unsafe-text"],
    ["payments <img src=x> fails.", ["e1"], "unsafe-text"],
    ["payments fails.\n/close", ["e1"], "unsafe-text"],
    ["cc @admin payments fails.", ["e1"], "unsafe-text"],
    ["Run `rm -rf /` on it.", ["e1"], "unsafe-text"],
    [`payments ${"fails ".repeat(100)}`, ["e1"], "too-long"],
  ])("%j with %j are dropped: %s", (text, evidence, reason) => expect(reasonOf(text, evidence)).toBe(reason));

  test("are kept in their order, in one line, naming each evidence once", () => {
    const { kept, dropped } = checkClaims(
      [
        { text: "payments\nfails.", evidence: ["e1", "e1"] },
        { text: "It has 99 errors.", evidence: ["e1"] },
        { text: "It logs.", evidence: ["e2"] },
      ],
      known,
    );
    expect(kept).toEqual([
      { text: "payments fails.", evidence: ["e1"] },
      { text: "It logs.", evidence: ["e2"] },
    ]);
    expect(dropped).toMatchObject([{ reason: "number-not-in-evidence", detail: "99 errors" }]);
  });

  test("beyond the cap are dropped", () => {
    const claims = Array.from({ length: 5 }, () => ({ text: "payments fails.", evidence: ["e1"] }));
    expect(checkClaims(claims, known, { maxClaims: 3 })).toMatchObject({
      kept: { length: 3 },
      dropped: [{ reason: "too-long" }, { reason: "too-long" }],
    });
  });
});
