import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { strayNumber } from "../src/stray-number.ts";

const RATIO = "The error ratio of payments rose from 0.2 % to 12 % at 10:00:03 and p95 latency is 0.35 s.";
const LINES = 'payments logs a new error line (25 lines since 10:00:00, before 0): "pool-7 exhausted".';

describe("numbers of the evidence", () => {
  test.each([
    "The error ratio rose to 12 %.",
    "The error ratio rose to 0.12.",
    "The error ratio rose from 0.002 to 12%.",
    "It began at 10:00.",
    "It began at 10:00:03 with p95 at 350 ms.",
    "Latency reached 0.35 seconds.",
    "Latency reached 0.4 s.",
  ])("are known again: %s", (text) => expect(strayNumber(text, RATIO)).toBeUndefined());

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
  ])("are not there: %s", (text) => expect(strayNumber(text, RATIO)).toBeDefined());

  test("are looked for in what the sentence names, not in the rest", () => {
    expect(strayNumber("There are 25 lines.", RATIO)).toBe("25 lines");
    expect(strayNumber("There are 25 lines of pool-7.", LINES)).toBeUndefined();
    expect(strayNumber("There are 25 lines and 12 %.", `${RATIO}\n${LINES}`)).toBeUndefined();
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
