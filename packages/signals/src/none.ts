// `none:`: no such source was configured. Said in every answer, so that nobody takes silence for health.
import type { Answer, LogsPort, TracesPort } from "./ports.ts";
import type { SemanticMetrics } from "./semantic-signals.ts";

const none = async <T>(value: T, what: string): Promise<Answer<T>> => ({
  value,
  partial: [`SIGNALS_NOT_CONFIGURED: no ${what} configured`],
  notConfigured: true,
});

export const NO_METRICS: SemanticMetrics = {
  signals: () => none([], "metrics"),
  current: () => none(undefined, "metrics"),
  queryRange: () => none([], "metrics"),
  query: () => none([], "metrics"),
  services: () => none([], "metrics"),
  explain: () => none([], "metrics"),
  ping: async () => {},
};

export const NO_LOGS: LogsPort = {
  lines: () => none([], "logs"),
  ping: async () => {},
};

export const NO_TRACES: TracesPort = {
  edges: () => none([], "traces"),
  notable: () => none([], "traces"),
  ping: async () => {},
};
