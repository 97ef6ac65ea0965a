import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { Parameter } from "../src/format.ts";
import { runbookJsonSchema } from "../src/format.ts";
import { loadRunbooks } from "../src/load.ts";
import { planWith } from "../src/plan.ts";
import { RESTART, sample } from "./sample.ts";

const filesOf = (files: Record<string, string | Error>) => ({
  list: async () => Object.keys(files),
  read: async (path: string) => {
    const file = files[path];
    if (typeof file === "string") return file;
    throw file;
  },
});

test("a bad runbook is reported with file, line and reason, and the others load", async () => {
  const { runbooks, problems } = await loadRunbooks(
    filesOf({
      "a/sample.md": sample(RESTART),
      "a/bad.md": sample(RESTART.replace("undo: none-required\n", "")).replace("id: sample", "id: bad"),
      "a/gone.md": new Error("EACCES"),
      "b/sample.md": sample(RESTART),
      "README.md": "# not a runbook",
      "a/_draft.md": "x",
      ".git/x.md": "x",
      "schema.json": "{}",
    }),
  );
  expect(runbooks.map((runbook) => runbook.path)).toEqual(["a/sample.md"]);
  expect(problems.map(({ file, line, reason }) => `${file}:${line}: ${reason}`)).toEqual([
    "a/bad.md:18: target.restart changes something: name its `undo` or say `irreversible: true`",
    "a/gone.md:1: cannot be read: EACCES",
    "b/sample.md:1: a/sample.md has the id sample already",
  ]);
});

const folder = fileURLToPath(new URL("../../../runbooks/", import.meta.url));

test("every runbook of the library is accepted and can be planned for any service", async () => {
  const { runbooks, problems } = await loadRunbooks({
    list: () => readdir(folder, { recursive: true }),
    read: (path) => readFile(folder + path, "utf8"),
  });
  expect(problems).toEqual([]);
  expect(runbooks.length).toBeGreaterThanOrEqual(8);
  for (const runbook of runbooks) {
    const sample = (p: Parameter) =>
      p.type === "integer" ? String(p.min) : ["payments", "96m"].find((v) => new RegExp(p.pattern).test(v));
    const values = Object.fromEntries(Object.entries(runbook.parameters).map(([name, p]) => [name, p.default ?? sample(p) ?? ""]));
    const plan = planWith(runbook, values);
    expect(plan.kind, `${runbook.id}: ${plan.kind === "refused" ? plan.reason : ""}`).toBe("plan");
    expect(plan.kind === "plan" && plan.effect, runbook.id).not.toContain("{{service}}");
  }
});

test("the published schema is the one that the parser uses", async () => {
  expect(JSON.parse(await readFile(`${folder}runbook.schema.json`, "utf8"))).toEqual(JSON.parse(JSON.stringify(runbookJsonSchema())));
});
