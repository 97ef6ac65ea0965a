import { describe, expect, test } from "vitest";
import { parseExposition, parseSeries } from "../../src/embedded/exposition.ts";

const samplesOf = (text: string) => {
  const samples: [string, number][] = [];
  parseExposition(text, (series, value) => samples.push([series, value]));
  return samples;
};

test("reads the example of the format's own documentation", () => {
  const samples = samplesOf(`# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400"}    3 1395066363000

# Escaping in label values:
msdos_file_access_time_seconds{path="C:\\\\DIR\\\\FILE.TXT",error="Cannot find file:\\n\\"FILE.TXT\\""} 1.458255915e9

# Minimalistic line:
metric_without_timestamp_and_labels 12.47

# A weird metric from before the epoch:
something_weird{problem="division by zero"} +Inf -3982045

http_request_duration_seconds_bucket{le="+Inf"} 144320
http_request_duration_seconds_sum 53423
rpc_duration_seconds{quantile="0.01"} NaN
`);
  expect(samples.map(([, value]) => value)).toEqual([
    1_027,
    3,
    1_458_255_915,
    12.47,
    Number.POSITIVE_INFINITY,
    144_320,
    53_423,
    Number.NaN,
  ]);
  expect(Object.fromEntries(parseSeries(samples[2]?.[0] ?? "", 1))).toEqual({
    __name__: "msdos_file_access_time_seconds",
    path: "C:\\DIR\\FILE.TXT",
    error: 'Cannot find file:\n"FILE.TXT"',
  });
});

test.each([
  ["braces, commas and spaces inside a value", 'a{b="}, c=\\"{ #"} 1', { __name__: "a", b: '}, c="{ #' }],
  ["a trailing comma and spaces", 'a { b = "1" , c="2" , } 1', { __name__: "a", b: "1", c: "2" }],
  ["no labels between braces", "a{} 1", { __name__: "a" }],
  ["a backslash before another letter stays", 'a{b="\\d"} 1', { __name__: "a", b: "\\d" }],
])("understands %s", (_, line, labels) => {
  const [[series] = [""]] = samplesOf(line);
  expect(Object.fromEntries(parseSeries(series ?? "", 1))).toEqual(labels);
});

test("lines may end in CRLF and the last one in nothing", () => {
  expect(samplesOf("a 1\r\nb 2")).toEqual([
    ["a", 1],
    ["b", 2],
  ]);
});

describe("what is not the format is refused with its line", () => {
  test.each([
    ["a\n", /line 1: not a value/],
    ["ok 1\na one", /line 2: not a value: "one"/],
    ['a{b="1 2', /line 1: labels are not closed/],
    ["<html><body> hello", /line 1: not a value/],
  ])("%j", (text, reason) => {
    expect(() => samplesOf(text)).toThrow(reason);
  });
  test.each([
    ['1a{b="1"}', /not a metric name/],
    ["a{b=1}", /not a label/],
    ['a{b="1"c="2"}', /comma is missing/],
    [`a{b="${"x".repeat(2_000)}"}`, /longer than/],
    [`a{${Array.from({ length: 100 }, (_, i) => `l${i}="1"`).join()}}`, /more than 64 labels/],
  ])("%s", (series, reason) => {
    expect(() => parseSeries(series, 7)).toThrow(reason);
  });
});
