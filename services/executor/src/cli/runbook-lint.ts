// `npm run runbook:lint [-- folder]`: prints `file:line: reason` for every problem; exit code 1 when a runbook would be refused.
// `--schema` prints the JSON schema of the format instead.
import { runbookJsonSchema } from "@tocsin/runbooks";
import { messageOf } from "@tocsin/runtime";
import { readRunbooks } from "../runbook-library.ts";

async function lint(folder: string): Promise<number> {
  const { runbooks, problems } = await readRunbooks(folder);
  for (const { file, line, reason, level } of problems)
    process.stdout.write(`${folder}/${file}:${line}: ${level === "warning" ? "warning: " : ""}${reason}\n`);
  const errors = problems.filter((problem) => problem.level === "error").length;
  process.stdout.write(
    `${runbooks.length} runbooks good, ${errors === 0 ? "no error" : `${errors} ${errors === 1 ? "error" : "errors"}`}\n`,
  );
  return errors === 0 ? 0 : 1;
}

const [argument = "runbooks"] = process.argv.slice(2);
if (argument === "--help") process.stdout.write("usage: npm run runbook:lint [-- FOLDER | --schema]\n");
else if (argument === "--schema") process.stdout.write(`${JSON.stringify(runbookJsonSchema(), null, 2)}\n`);
else
  process.exitCode = await lint(argument.replace(/\/+$/, "")).catch((error: unknown) => {
    process.stderr.write(`${messageOf(error)}\n`);
    return 2;
  });
