export { type AlertExpression, readAlertExpression } from "./alert-expression.ts";
export { CATALOGUE, type Candidate, SERVICE_LABELS } from "./catalogue.ts";
export { mergeEdges, topologyOfEdges } from "./edges.ts";
export type { SeriesStoreOptions, SeriesStoreStats } from "./embedded/series-store.ts";
export { type OpenedSignals, openSignals, type SignalsOptions } from "./open-signals.ts";
export type {
  Answer,
  ChangesPort,
  LogPattern,
  LogsPort,
  MetricsPort,
  QueryOptions,
  RuleExpression,
  Signals,
  TopologyPort,
  TracesPort,
  Window,
} from "./ports.ts";
export { breakDown } from "./promql/break-down.ts";
export { parsePromql } from "./promql/parse.ts";
export { quoteLabelValue } from "./promql/quote.ts";
export { exprOfGeneratorUrl, type SelectorText, selectorsOf, stripComparison, type Threshold, thresholdOf } from "./promql/rewrite.ts";
export type { SemanticMetrics, SignalSource } from "./semantic-signals.ts";
export { mergeTopology, readTopologyFile } from "./topology.ts";
