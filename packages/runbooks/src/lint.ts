import { mapTexts } from "./deed-texts.ts";
import type { Deed, Runbook, RunbookProblem, Step } from "./format.ts";
import { durationMs } from "./format.ts";
import { parseLogql } from "./logql.ts";
import { patternProblem, valueProblem } from "./parameter.ts";
import { placeholderProblem, placeholdersIn, type Slot } from "./placeholder.ts";
import { acts, targetOf, undoProblem } from "./reversibility.ts";

/** Programs that read an argument as a program: what is in the argument is then no longer an argument. */
const INTERPRETERS =
  /^(?:.*\/)?(?:a?sh|ba?sh|dash|zsh|ksh|fish|busybox|env|xargs|nohup|sudo|su|python[\d.]*|perl|ruby|node|php|lua|awk|eval)$/;
const INLINE_CODE = /^-(?:[a-zA-Z]*[cer]|-eval|-command|-exec|-print)$/;
const NAME = /^[a-z0-9]([-a-z0-9_.]{0,98}[a-z0-9])?$/;
const REVISION_SLOTS = ["before.revision", "before.replicas", "before.config"];

/** The line of the part of a YAML text that a path leads to, or of what is nearest above it. */
export type LineOf = (path: readonly PropertyKey[]) => number;
export type Report = (line: number, reason: string, level?: RunbookProblem["level"]) => void;

interface Placed {
  readonly slot: Slot;
  readonly text: string;
  readonly path: readonly PropertyKey[];
}

function textsOf(deed: Deed): readonly Placed[] {
  const texts: Placed[] = [];
  mapTexts(deed, (slot, text, path) => {
    texts.push({ slot, text, path });
    return text;
  });
  return texts;
}

function checkTexts(step: Step): readonly Placed[] {
  const lists = [
    { checks: step.precondition, path: ["precondition"] },
    { checks: step.verify?.checks ?? [], path: ["verify", "checks"] },
  ];
  return lists.flatMap(({ checks, path }) =>
    checks.flatMap((check, index): Placed[] => {
      const query = check.promql ?? check.logql;
      return [
        ...(check.of === undefined ? [] : [{ slot: "whole" as const, text: check.of, path: [...path, index, "of"] }]),
        ...(query === undefined
          ? []
          : [{ slot: "query" as const, text: query, path: [...path, index, check.promql ? "promql" : "logql"] }]),
      ];
    }),
  );
}

/**
 * What a schema cannot say: names, placeholders, patterns, undo, and that every act is verified.
 *
 * @param isWhole false when a step could not be read: then nobody knows what it would have used
 */
export function lintRunbook(
  runbook: Runbook,
  isWhole: boolean,
  frontLine: LineOf,
  stepLines: (index: number) => LineOf,
  report: Report,
): void {
  const file = runbook.path.split("/").at(-1) ?? "";
  if (file !== `${runbook.id}.md`) report(frontLine(["id"]), `the id ${runbook.id} is not the file's name ${file}`);

  for (const [name, parameter] of Object.entries(runbook.parameters)) {
    const problem = patternProblem(parameter.pattern);
    if (problem) report(frontLine(["parameters", name, "pattern"]), `${name}: ${problem}`);
    else if (parameter.default !== undefined) {
      const wrong = valueProblem(name, parameter, parameter.default);
      if (wrong) report(frontLine(["parameters", name, "default"]), `the default of ${wrong}`);
    }
  }
  runbook.matches.signatures.forEach((signature, index) => {
    if (!compiles(signature)) report(frontLine(["matches", "signatures", index]), `${signature} is not a regular expression`);
  });
  runbook.matches.alerts.forEach((matchers, index) => {
    for (const [label, value] of Object.entries(matchers)) {
      const pattern = /^\/(.*)\/$/.exec(value)?.[1];
      if (pattern !== undefined && !compiles(pattern))
        report(frontLine(["matches", "alerts", index, label]), `${value} is not a regular expression`);
      else if (pattern !== undefined && compiles(pattern)?.test("") && label === "alertname")
        report(frontLine(["matches", "alerts", index, label]), "the matcher matches every alert");
    }
  });

  const used = new Set<string>();
  const ids = new Set<string>();
  runbook.steps.forEach((step, index) => {
    const lineOf = stepLines(index);
    if (ids.has(step.id)) report(lineOf(["id"]), `two steps are called ${step.id}`);
    ids.add(step.id);
    for (const name of lintStep(runbook, step, lineOf, report)) used.add(name);
  });
  for (const name of Object.keys(runbook.parameters))
    if (isWhole && !used.has(name)) report(frontLine(["parameters", name]), `no step uses the parameter ${name}`, "warning");
  if (runbook.autonomy === "L3" && runbook.risk === "high")
    report(frontLine(["autonomy"]), "a runbook of high risk cannot be allowed to run by itself: autonomy L2 at most");
}

function lintStep(runbook: Runbook, step: Step, lineOf: LineOf, report: Report): ReadonlySet<string> {
  const used = new Set<string>();
  const known = new Set(Object.keys(runbook.parameters));
  const look = (texts: readonly Placed[], prefix: readonly PropertyKey[], extra: readonly string[]) => {
    for (const { slot, text, path } of texts) {
      const problem = placeholderProblem(slot, text);
      if (problem) report(lineOf([...prefix, ...path]), problem);
      for (const name of placeholdersIn(text)) {
        used.add(name);
        if (!known.has(name) && !extra.includes(name)) report(lineOf([...prefix, ...path]), `no parameter is called ${name}`);
      }
    }
  };
  look(textsOf(step), [], []);
  look(checkTexts(step), [], []);

  const problem = undoProblem(step);
  if (problem) report(lineOf(["undo"]), problem);
  if (typeof step.undo === "object") look(textsOf(step.undo), ["undo"], REVISION_SLOTS);

  for (const deed of [step, ...(typeof step.undo === "object" ? [step.undo] : [])]) {
    const target = targetOf(deed);
    if (target !== undefined && !target.startsWith("{{") && !NAME.test(target))
      report(lineOf(["with", "target"]), `${target} is not the name of one target`);
    if (deed.verb === "container.run") lintArgv(deed.with.argv, lineOf, report);
    if (deed.verb === "http.request" && !URL.canParse(deed.with.url.replace(/\{\{\w+\}\}/g, "x")))
      report(lineOf(["with", "url"]), `${deed.with.url} is not a URL`);
  }

  if (acts(step) && !step.verify) report(lineOf(["id"]), `${step.id} acts and nothing verifies it: add \`verify\``);
  if (step.verb === "check" && !step.verify) report(lineOf(["id"]), "a check says in `verify` what it checks");
  for (const [path, checks] of [
    [["precondition"], step.precondition],
    [["verify", "checks"], step.verify?.checks ?? []],
  ] as const) {
    checks.forEach((check, index) => {
      const parsed = check.logql === undefined ? undefined : parseLogql(check.logql);
      if (parsed?.kind === "refused") report(lineOf([...path, index, "logql"]), parsed.reason);
      if (check.signal !== undefined && check.of === undefined && targetOf(step) === undefined)
        report(lineOf([...path, index]), `${step.verb} has no target, so the signal has to say whose it is: of: …`);
    });
  }
  if (step.verify && durationMs(step.verify.within) <= durationMs(step.verify.soak))
    report(lineOf(["verify"]), "`within` has to be longer than `soak`");
  return used;
}

function lintArgv(argv: readonly string[], lineOf: LineOf, report: Report): void {
  const program = argv.findIndex((element) => INTERPRETERS.test(element));
  const code = argv.findIndex((element, index) => program >= 0 && index > program && INLINE_CODE.test(element));
  if (code >= 0)
    report(lineOf(["with", "argv", code]), `${argv[program]} ${argv[code]} runs text as a program: put the script into the image`);
}

function compiles(pattern: string): RegExp | undefined {
  try {
    return new RegExp(pattern, "iu");
  } catch {
    return undefined;
  }
}

/** What only several runbooks together can get wrong. */
export function lintRunbooks(runbooks: readonly Runbook[]): readonly RunbookProblem[] {
  const first = new Map<string, Runbook>();
  return runbooks.flatMap((runbook) => {
    const other = first.get(runbook.id);
    if (!other) first.set(runbook.id, runbook);
    return other
      ? [{ file: runbook.path, line: 1, reason: `${other.path} has the id ${runbook.id} already`, level: "error" as const }]
      : [];
  });
}
