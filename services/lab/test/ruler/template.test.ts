import { expect, test } from "vitest";
import { expand, unknownFunctions } from "../../src/ruler/template.ts";

const labels = { service: "cart", age: "90" };

test.each([
  ["{{ $labels.service }} is down", 1, "cart is down"],
  ["{{$labels.service}}/{{ $labels.absent }}", 1, "cart/"],
  ["{{ $value }}", 0.25, "0.25"],
  ["{{ $value | humanize }}", 1_234_567, "1.235M"],
  ["{{ $value | humanize }}", 0.42, "0.42"],
  ["{{ $value | humanize1024 }}B", 192_937_984, "184MiB"],
  ["{{ $value | humanizePercentage }}", 0.123456, "12.35%"],
  ["{{ $value | humanizeDuration }}", 0.4875, "487.5ms"],
  ["{{ $value | humanizeDuration }}", 3_661, "1h 1m 1s"],
  ["{{ $value | humanizeDuration }}", 0, "0s"],
  ["{{ $labels.age | humanizeDuration }}", 1, "1m 30s"],
])("fills %j with %d as %j", (template, value, text) => {
  expect(expand(template, labels, value)).toBe(text);
});

test("names what it cannot fill", () => {
  expect(unknownFunctions("{{ $value | toUpper }} {{ range query }} {{ $labels.a }} {{ $value | humanize | title }}")).toEqual([
    "$value | toUpper",
    "range query",
    "$value | humanize | title",
  ]);
});

test("does not take a property of every object for a function", () => {
  expect(unknownFunctions("{{ $value | constructor }}")).toEqual(["$value | constructor"]);
});
