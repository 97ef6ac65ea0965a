export { type AnalysedRun, type AnalysisInput, type Ending, writeAnalysis } from "./analysis.ts";
export { type Anomaly, type AnomalyOptions, detectAnomaly, detectDown, detectRestarts } from "./anomaly.ts";
export { type CallGraph, callGraphOf } from "./call-graph.ts";
export { type DiagnosisDetails, type DiagnosisOptions, type DiagnosisResult, diagnose } from "./diagnose.ts";
export { evidenceOf } from "./evidence.ts";
export { clockTime, duration, figure } from "./figures.ts";
export { type Family, type Finding, findChanges } from "./findings.ts";
export { type IncidentTrace, type TraceableIncident, traceOf } from "./incident-embedding.ts";
export type {
  BeforeAfter,
  DiagnosisInput,
  DiagnosisSeries,
  DiagnosisWindow,
  EdgeSeries,
  LogPatternCounts,
  LogReach,
  RuleSeries,
} from "./input.ts";
export { findLogChanges, type LogFinding } from "./log-evidence.ts";
export { estimateOnset } from "./onset.ts";
export { type Contribution, kindOf, RANKING_WEIGHTS, type RankedService, type RankingWeights, rankServices } from "./rank.ts";
export { LEAST_SIMILARITY, type PastFix, type PastIncident, type Recall, recallOf } from "./recall.ts";
export { findRuleCrossings, type RuleFinding, unitOfRule } from "./rule-evidence.ts";
export { SIGNAL_TRAITS, type SignalTraits } from "./signal-traits.ts";
export { createTemplateMiner, maskLine, type Template, type TemplateMiner, type TemplateMinerOptions } from "./templates.ts";
export { findTraceChanges, type OperationStats, summariseSpans, type TraceFinding } from "./traces.ts";
