export { alertStateOf } from "./alert-state.ts";
export { type BlastRadius, blastRadius } from "./blast-radius.ts";
export { type ByPerson, mergeByPerson, restorePersonDecision, splitByPerson } from "./by-person.ts";
export { type CorrelationConfig, DEFAULT_CORRELATION, type EvidenceWeights, INFRASTRUCTURE_LABELS } from "./config.ts";
export { type PairChange, restorePair } from "./cooccurrence.ts";
export { type CorrelateOptions, correlate, eventOrder } from "./correlate.ts";
export type { AlertDecision, Decisions, Fact, MemberDecision, RoleDecision } from "./decisions.ts";
export { compileGraph, EMPTY_GRAPH, fadedEdges, type Graph } from "./graph.ts";
export { type CompiledMatcher, compileMatcher, type Matchable, type Matcher } from "./matcher.ts";
export { addMember, forgetIncident, relocate } from "./membership.ts";
export { releaseQuiet } from "./quiet.ts";
export { restoreAlert, restoreIncident, type StoredAlert, type StoredIncident } from "./restore.ts";
export { type Returning, returnSuppressed } from "./return-suppressed.ts";
export { type RankedRoot, rankRoots, rootOf } from "./roots.ts";
export { holdsAt, isTimeZone, type Once, overAt, type Schedule, WEEKDAYS, type Weekday, type Weekly } from "./schedule.ts";
export {
  firstOf,
  nameOfRule,
  ruleSuppressor,
  type Suppression,
  type SuppressionRule,
  type Suppressor,
} from "./suppression.ts";
export { type AlertState, createWorkingSet, type LiveIncident, type WorkingSet } from "./working-set.ts";
