import { expect, test } from "vitest";
import { fillIn, placeholderProblem, type Slot } from "../src/placeholder.ts";

test.each<[Slot, string, boolean]>([
  ["whole", "{{service}}", true],
  ["whole", "x{{service}}", false],
  ["whole", "{{service}}{{service}}", false],
  ["literal", "{{service}}", false],
  ["argument", "--name={{service}}", true],
  ["argument", "-n={{service}}", true],
  ["argument", "name={{service}}", false],
  ["argument", "--{{service}}=x", false],
  ["query", 'up{service="{{service}}"}', true],
  ["query", 'up{job="lab",service="{{service}}"}', true],
  ["query", 'up{service!="{{service}}"}', true],
  ["query", 'up{service=~"{{service}}"}', false],
  ["query", 'up{service="x{{service}}"}', false],
  ["query", "up{{{service}}}", false],
  ["query", 'label_replace(up, "a", "{{service}}", "", "")', false],
  ["url", "https://api.example/v1/{{service}}/retry?by={{service}}", true],
  ["url", "https://{{service}}.example/", false],
  ["url", "https://user@{{service}}/", false],
  ["url", "{{service}}", false],
  ["prose", "about {{service}}", true],
  ["prose", "about {{ service }}", false],
  ["prose", "about {{.Service}}", false],
])("in a %s, %s may stand: %s", (slot, text, isAllowed) => {
  expect(placeholderProblem(slot, text) === undefined).toBe(isAllowed);
});

test("a value is encoded for the place it enters", () => {
  expect(fillIn("query", 'up{service="{{x}}"}', { x: 'a"} or vector(1) #\\' })).toBe('up{service="a\\"} or vector(1) #\\\\"}');
  expect(fillIn("url", "https://a/{{x}}/b", { x: "../?q#" })).toBe("https://a/%2E%2E%2F%3Fq%23/b");
});

test("a value that looks like a placeholder is not filled in again, and an inherited name is no value", () => {
  expect(fillIn("whole", "{{a}}", { a: "{{b}}", b: "x" })).toBe("{{b}}");
  expect(fillIn("whole", "{{constructor}}", {})).toBe("{{constructor}}");
});
