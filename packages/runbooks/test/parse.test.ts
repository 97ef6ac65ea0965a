import fc from "fast-check";
import { expect, test } from "vitest";
import { parseRunbook } from "../src/parse.ts";
import { FRONT, RESTART, reasonsOf, runbookOf, sample, step } from "./sample.ts";

test("reads front matter, prose and typed steps with their defaults", () => {
  const runbook = runbookOf(sample(RESTART, `id: look\nverb: target.logs\nwith: { target: "{{service}}" }`));
  expect(runbook).toMatchObject({ id: "sample", risk: "low", autonomy: "L3", tags: [], path: "a/sample.md" });
  expect(runbook.steps).toMatchObject([
    { id: "restart", verb: "target.restart", timeout: "60s", precondition: [], verify: { soak: "10s", within: "90s" } },
    { id: "look", verb: "target.logs", with: { tail: 100, since: "5m" } },
  ]);
  expect(runbook.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
});

test("the digest changes with any character of the text, prose included", () => {
  expect(runbookOf(sample(RESTART)).digest).not.toBe(runbookOf(sample(RESTART).replace("people.", "people!")).digest);
});

test("fences that do not say `yaml step` are prose", () => {
  expect(runbookOf(`${sample(RESTART)}\n\`\`\`yaml\nid: example\n\`\`\`\n\`\`\`sh\nreboot\n\`\`\`\n`).steps).toHaveLength(1);
});

test.each([
  ["no front matter", "# Hello\n", ["1: no front matter: a runbook begins with a line `---`, YAML, and a line `---`"]],
  [
    "a placeholder without quotes",
    sample(RESTART.replace('"{{service}}"', "{{service}}")),
    ['21: a key has to be a word; a placeholder has to be quoted: "{{service}}"'],
  ],
  ["no step", FRONT, ["14: no step: a step is a fenced block that begins with ```yaml step"]],
  [
    "an unknown key of the front matter",
    sample(RESTART).replace("risk: low", "risk: low\nowner: me"),
    ["12: nothing is called `owner` here"],
  ],
  ["a wrong value", sample(RESTART).replace("autonomy: L3", "autonomy: L4"), [expect.stringMatching(/^12: autonomy: Invalid option/)]],
  ["an unknown key of a step", sample(`${RESTART}\ncommand: reboot`), ["26: nothing is called `command` here"]],
  ["an unknown verb", sample(RESTART.replace("target.restart", "shell")), [expect.stringMatching(/^19: verb: Invalid/)]],
  ["YAML that is none", sample("id: [\n"), [expect.stringMatching(/^\d+: YAML: /)]],
  ["a key twice", sample(`${RESTART}\nid: again`), [expect.stringMatching(/^26: YAML: Map keys must be unique/)]],
  [
    "an id that is not the file's name",
    sample(RESTART).replace("id: sample", "id: other"),
    ["2: the id other is not the file's name sample.md"],
  ],
  ["two steps of one id", sample(RESTART, RESTART), ["29: two steps are called restart"]],
  [
    "an unknown parameter",
    sample(RESTART.replace("{{service}}", "{{srvice}}")),
    ["7: no step uses the parameter service", "21: no parameter is called srvice"],
  ],
  [
    "an alias",
    sample("id: &a restart\nverb: target.stats\nwith: { target: *a }"),
    [expect.stringContaining("anchors, aliases and tags"), expect.stringContaining("anchors, aliases and tags")],
  ],
  [
    "an act without undo",
    sample(RESTART.replace("undo: none-required\n", "")),
    ["18: target.restart changes something: name its `undo` or say `irreversible: true`"],
  ],
  ["an act without verify", sample(RESTART.split("\nverify")[0] as string), ["18: restart acts and nothing verifies it: add `verify`"]],
  [
    "a soak longer than its deadline",
    sample(RESTART.replace("verify:", "verify:\n  soak: 2m")),
    ["23: `within` has to be longer than `soak`"],
  ],
  [
    "none-required for a rollback",
    sample(RESTART.replace("target.restart", "target.rollback")),
    [expect.stringMatching(/^22: target.rollback does not leave things as they were/)],
  ],
  [
    "both undo and irreversible",
    sample(`${RESTART}\nirreversible: true`),
    ["22: a step has an `undo` or is `irreversible: true`, not both"],
  ],
  [
    "an undo of what changes nothing",
    sample(`id: look\nverb: target.stats\nwith: { target: "{{service}}" }\nundo: none-required`),
    ["21: target.stats changes nothing, so it has no undo"],
  ],
  [
    "high risk by itself",
    sample(RESTART).replace("risk: low", "risk: high"),
    ["12: a runbook of high risk cannot be allowed to run by itself: autonomy L2 at most"],
  ],
  [
    "a pattern for names of targets",
    sample(RESTART.replace('"{{service}}"', '"*"')),
    [expect.stringContaining("7: no step uses"), "21: * is not the name of one target"],
  ],
  ["a zero-width space", sample(RESTART).replace("Prose", "Pro\u200bse"), ["15: a character that cannot be seen: U+200b"]],
  ["a right-to-left override", sample(RESTART).replace("Prose", "\u202eesorP"), ["15: a character that cannot be seen: U+202e"]],
])("refuses %s, with its line", (_, text, reasons) => {
  expect(reasonsOf(text)).toEqual(reasons);
});

test("the lines of a text with Windows line ends are right", () => {
  expect(reasonsOf(sample(`${RESTART}\ncommand: reboot`).replaceAll("\n", "\r\n"))).toEqual(["26: nothing is called `command` here"]);
});

test.each([
  ["an unpinned image", "alpine:latest", "an image is pinned: name@sha256:… or a local id sha256:…"],
  ["an image with a placeholder", "{{service}}", "an image is pinned: name@sha256:… or a local id sha256:…"],
])("refuses %s", (_, image, reason) => {
  const text = sample(
    RESTART,
    `id: run\nverb: container.run\nwith:\n  image: "${image}"\n  argv: [/probe]\nundo: none-required\nverify:\n  checks: [{ signal: up, of: "{{service}}", op: "==", value: 1 }]`,
  );
  expect(reasonsOf(text)).toContainEqual(expect.stringContaining(reason));
});

const IMAGE = `sha256:${"a".repeat(64)}`;
const run = (argv: string[]) =>
  sample(
    RESTART,
    `id: run\nverb: container.run\nwith:\n  image: "${IMAGE}"\n  argv: ${JSON.stringify(argv)}\nundo: none-required\nverify:\n  checks: [{ signal: up, of: "{{service}}", op: "==", value: 1 }]`,
  );
test.each([
  [["sh", "-c", "echo {{service}}"]],
  [["/bin/bash", "-ec", "reboot"]],
  [["busybox", "sh", "-c", "reboot"]],
  [["python3", "-c", "print(1)"]],
  [["node", "--eval", "1"]],
  [["perl", "-e", "1"]],
  [["/probe", "name={{service}}"]],
  [["/probe", "{{service}}/../x"]],
  [["/probe", "--name=x{{service}}"]],
  [["{{service}}", "start"]],
  [["/probe", "{{ service }}"]],
])("refuses the argument array %j", (argv) => {
  expect(parseRunbook("a/sample.md", run(argv)).runbook).toBeUndefined();
});
test.each([[["/probe", "{{service}}"]], [["/probe", "--name={{service}}", "--deep"]], [["sh", "/scripts/probe.sh", "{{service}}"]]])(
  "accepts the argument array %j",
  (argv) => {
    expect(reasonsOf(run(argv))).toEqual([]);
  },
);

test("never throws, whatever the text", () => {
  const soup = fc.array(
    fc.constantFrom(
      FRONT,
      step(RESTART),
      "---\n",
      "```yaml step\n",
      "```\n",
      "{{service}}",
      ": ",
      "- ",
      "&a ",
      "*a",
      "\u0000",
      "!!js/function ",
      "? ",
      "[",
      "{",
      "\t",
    ),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(
      fc.oneof(
        soup.map((parts) => parts.join("")),
        fc.string({ maxLength: 300, unit: "binary" }),
        soup.map((parts) => FRONT + parts.join("")),
      ),
      (text) => {
        const { runbook, problems } = parseRunbook("a/sample.md", text);
        expect(runbook === undefined || problems.every((p) => p.level === "warning")).toBe(true);
        expect(problems.every((p) => p.line >= 1 && Number.isInteger(p.line))).toBe(true);
      },
    ),
    { numRuns: 300 },
  );
});

test("a text that is too long is refused without being read", () => {
  expect(reasonsOf("x".repeat(65_537))).toEqual(["1: longer than 65536 characters"]);
});
