import type { Runbook } from "../src/format.ts";
import { parseRunbook } from "../src/parse.ts";

export const FRONT = `---
id: sample
title: A sample
matches:
  causes: [resource]
parameters:
  service:
    type: name
    pattern: ^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$
    origin: cause.service
risk: low
autonomy: L3
---
`;
export const RESTART = `id: restart
verb: target.restart
with:
  target: "{{service}}"
undo: none-required
verify:
  checks:
    - { signal: up, op: "==", value: 1 }`;

export const step = (yaml: string): string => `\n\`\`\`yaml step\n${yaml}\n\`\`\`\n`;
export const sample = (...steps: string[]): string => `${FRONT}\nProse for people.\n${steps.map(step).join("")}`;

/** The reasons of a text with their lines, e.g. `14: …`. */
export const reasonsOf = (text: string, path = "a/sample.md"): string[] =>
  parseRunbook(path, text).problems.map((problem) => `${problem.line}: ${problem.reason}`);

export function runbookOf(text: string, path = "a/sample.md"): Runbook {
  const { runbook, problems } = parseRunbook(path, text);
  if (!runbook) throw new Error(problems.map((p) => `${p.line}: ${p.reason}`).join("\n"));
  return runbook;
}
