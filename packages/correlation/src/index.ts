export { type CorrelationConfig, DEFAULT_CORRELATION, type EvidenceWeights, INFRASTRUCTURE_LABELS } from "./config.ts";
export { type PairChange, restorePair } from "./cooccurrence.ts";
export {
  type AlertDecision,
  alertStateOf,
  type CorrelateOptions,
  correlate,
  type Decisions,
  type Fact,
  type MemberDecision,
  type RoleDecision,
} from "./correlate.ts";
export { compileGraph, EMPTY_GRAPH, type Graph } from "./graph.ts";
export { addMember, forgetIncident, relocate } from "./membership.ts";
export { restoreAlert, restoreIncident, type StoredAlert, type StoredIncident } from "./restore.ts";
export { type RankedRoot, rankRoots, rootOf } from "./roots.ts";
export { firstOf, type Suppression, type Suppressor } from "./suppression.ts";
export { type AlertState, createWorkingSet, type LiveIncident, type WorkingSet } from "./working-set.ts";
