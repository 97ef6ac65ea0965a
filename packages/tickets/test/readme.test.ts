import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

test("the README explains every code", () => {
  const codes = readFileSync(join(import.meta.dirname, "../src/errors.ts"), "utf8").match(/(?<=")TICKETS_[A-Z_]+(?=")/g) ?? [];
  const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
  expect(codes.length).toBeGreaterThan(5);
  expect(codes.filter((code) => !readme.includes(`\`${code}\``))).toEqual([]);
});
