export type { Answer, ChangesPort, LogsPort, MetricsPort, QueryOptions, Signals, TopologyPort, TracesPort, Window } from "./ports.ts";
