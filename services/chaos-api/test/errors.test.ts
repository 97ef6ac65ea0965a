import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

test("the README documents every error code", () => {
  const source = readFileSync(new URL("../src/errors.ts", import.meta.url), "utf8");
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const codes = [...source.matchAll(/AppError\("([A-Z_]+)"/g)].map((match) => match[1] as string);
  expect(codes.length).toBeGreaterThan(4);
  expect(codes.filter((code) => !readme.includes(`\`${code}\``))).toEqual([]);
});
