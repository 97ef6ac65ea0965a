import { expect, test } from "vitest";
import { numberInWords } from "../src/effect.ts";

test.each([
  [100_000_000, "100M"],
  [331_400_000, "331.4M"],
  [-2_000_000_000, "-2G"],
  // Nothing is rounded away: a limit stands as it was written.
  [100_000_001, "100000001"],
  [1_073_741_824, "1073741824"],
  [999_999, "999999"],
  [0.05, "0.05"],
])("%d reads as %s", (value, text) => expect(numberInWords(value)).toBe(text));
