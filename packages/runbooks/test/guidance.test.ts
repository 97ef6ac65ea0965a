import { expect, test } from "vitest";
import { parseGuidance } from "../src/guidance.ts";

const TEXT = `---
title: Node File Descriptor Limit
---

# NodeFileDescriptorLimit

## Meaning

Running out of **file descriptors**.

## Diagnosis

- Look at \`fs.file-nr\`
- Ask the [owner](http://x)

\`\`\`shell
sysctl -a | grep fs.file-
\`\`\`
`;

test("reads a plain Markdown runbook: title, sections, and what a person goes through", () => {
  const guidance = parseGuidance("node/NodeFileDescriptorLimit.md", TEXT);
  expect(guidance).toMatchObject({ id: "NodeFileDescriptorLimit", title: "Node File Descriptor Limit" });
  expect(guidance.sections.map((section) => section.title)).toEqual(["NodeFileDescriptorLimit", "Meaning", "Diagnosis"]);
  expect(guidance.sections[1]?.text.trim()).toBe("Running out of file descriptors.");
  expect(guidance.steps).toEqual([
    { section: "Diagnosis", text: "Look at fs.file-nr" },
    { section: "Diagnosis", text: "Ask the owner" },
    { section: "Diagnosis", text: "sysctl -a | grep fs.file-" },
  ]);
});

test.each(["", "just words", "---\ntitle: [\n---\nx", "---\n- a\n---\n", "<script>alert(1)</script>"])("takes any text: %j", (text) => {
  const guidance = parseGuidance("a/b.md", text);
  expect(guidance.title).toBe("b");
  expect(guidance.sections.map((section) => section.text).join("")).not.toContain("script");
});
