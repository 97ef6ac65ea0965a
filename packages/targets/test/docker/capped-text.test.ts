import { expect, test } from "vitest";
import { createCappedText } from "../../src/docker/capped-text.ts";

const appended = (cap: number, ...parts: string[]) => {
  const text = createCappedText(cap);
  for (const part of parts) text.append(part);
  return text.toString();
};

test("keeps what fits as it is", () => {
  expect(appended(8, "12", "3456", "78")).toBe("12345678");
});

test("keeps a quarter from the beginning and the rest from the end, and counts what is missing", () => {
  expect(appended(8, "1234567890")).toBe("12\n… 2 characters left out …\n567890");
  expect(appended(8, ..."abcdefghijklmnopqrstuvwxyz")).toBe("ab\n… 18 characters left out …\nuvwxyz");
});
