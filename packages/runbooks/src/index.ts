export { checkInWords, deedInWords, effectOf } from "./effect.ts";
export { type ErrorBudget, type ErrorHistory, errorBudgetOf } from "./error-budget.ts";
export {
  Autonomy,
  type Check,
  type Deed,
  durationMs,
  FrontMatter,
  Parameter,
  Risk,
  type Runbook,
  type RunbookProblem,
  runbookJsonSchema,
  Step,
  type Undo,
  VERBS,
  type Verb,
  Verify,
} from "./format.ts";
export { type Guidance, type GuidanceStep, guidanceFields, parseGuidance } from "./guidance.ts";
export { lintRunbooks } from "./lint.ts";
export { type LoadedRunbooks, loadRunbooks, type RunbookFiles } from "./load.ts";
export { countLines, type LogCount, parseLogql } from "./logql.ts";
export { indexRunbooks, labelsMatch, type MatchResult, matchRunbooks, type RunbookMatch } from "./match.ts";
export { valueProblem } from "./parameter.ts";
export { type Parsed, parseRunbook } from "./parse.ts";
export { fillIn, placeholderProblem, placeholdersIn, type Slot } from "./placeholder.ts";
export { type PlanContext, type Planned, type PlannedStep, type PlannedVerify, planRun, planWith, type RunPlan } from "./plan.ts";
export {
  type Decision,
  decide,
  isFrozen,
  type PolicyFacts,
  type PolicyReason,
  type RunFacts,
  reasonsInWords,
  type TargetFacts,
  type Verdict,
} from "./policy.ts";
export { DEFAULT_POLICY, Limits, limitsOf, type Objective, objectiveOf, PolicyConfig } from "./policy-config.ts";
export { type RunbookRecord, recordOf } from "./record.ts";
export { acts, isIdempotent, type Reversibility, targetOf } from "./reversibility.ts";
export type { Situation } from "./situation.ts";
export { type Field, indexTexts, type TextHit, type TextIndex, termsOf } from "./text-similarity.ts";
export {
  boundOf,
  type CheckResult,
  type Health,
  judgeCheck,
  type Reading,
  type Watch,
  type WatchVerdict,
  watch,
  worseThan,
} from "./verification.ts";
