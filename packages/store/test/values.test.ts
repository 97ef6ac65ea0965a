import { expect, test } from "vitest";
import { arrayItems, jsonText, timestampText, wireParameters } from "../src/values.ts";

test("gives times in UTC to the millisecond, whatever zone and precision they came in", () => {
  expect(timestampText("2026-01-01 00:00:00+00")).toBe("2026-01-01T00:00:00.000Z");
  expect(timestampText("2026-01-01 05:30:00.123999+05:30")).toBe("2026-01-01T00:00:00.123Z");
  expect(timestampText("2026-01-01 00:00:00.5-01")).toBe("2026-01-01T01:00:00.500Z");
  expect(timestampText("2026-01-01 00:00:00.1")).toBe("2026-01-01T00:00:00.100Z");
});

test("leaves the infinities as they are", () => {
  expect(timestampText("infinity")).toBe("infinity");
});

test("reads array literals with quotes, backslashes, NULLs and nesting", () => {
  const text = (item: string) => item;
  expect(arrayItems("{}", text)).toEqual([]);
  expect(arrayItems('{a,"b,c","d\\"e\\\\f",NULL,"NULL",""}', text)).toEqual(["a", "b,c", 'd"e\\f', null, "NULL", ""]);
  expect(arrayItems("{{1,2},{3,4}}", Number)).toEqual([
    [1, 2],
    [3, 4],
  ]);
});

test("writes an array literal that reads back the same", () => {
  const items = ["plain", 'quo"te', "back\\slash", "com,ma", "{brace}", "", "NULL", " blank ", "ü🚨"];
  const [literal] = wireParameters([items]);
  expect(arrayItems(literal as string, (item) => item)).toEqual(items);
});

test("writes a Date in RFC 3339, an object as JSON, undefined as NULL and bytes as they are", () => {
  const bytes = new Uint8Array([0, 255]);
  expect(wireParameters([new Date(0), { a: [1] }, undefined, bytes, 1.5, true, 10n, [1, null]])).toEqual([
    "1970-01-01T00:00:00.000Z",
    '{"a":[1]}',
    null,
    bytes,
    "1.5",
    "true",
    "10",
    '{"1",NULL}',
  ]);
});

test("refuses a NUL character in text and a function, naming the parameter", () => {
  expect(() => wireParameters(["ok", "a\0b"])).toThrow(
    expect.objectContaining({ code: "STORE_PARAMETER_INVALID", details: { position: 2 } }),
  );
  expect(() => wireParameters([() => 1])).toThrow(expect.objectContaining({ code: "STORE_PARAMETER_INVALID" }));
});

test("cleans JSON of what jsonb refuses, in keys and values, and leaves the rest alone", () => {
  expect(JSON.parse(jsonText({ "k\0": ["a\0b", "\ud800", { c: "🚨" }] }))).toEqual({ "k\uFFFD": ["a\uFFFDb", "\uFFFD", { c: "🚨" }] });
  expect(jsonText({ path: "C:\\u0000" })).toBe(JSON.stringify({ path: "C:\\u0000" }));
  expect(jsonText(undefined)).toBe("null");
});
