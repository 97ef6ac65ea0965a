import type { Series } from "@tocsin/contracts";
import type { Answer, QueryOptions, RuleExpression, Window } from "./ports.ts";

/** A server that answers PromQL, the embedded one or Prometheus. Failures are thrown as AppError; `createMetrics` sorts them. */
export interface MetricsBackend {
  query(promql: string, atSeconds: number | undefined, options: QueryOptions): Promise<Answer<readonly Series[]>>;
  queryRange(promql: string, window: Window, stepSeconds: number, options: QueryOptions): Promise<Answer<readonly Series[]>>;
  /** Which of these metrics there are. */
  existing(metrics: readonly string[], options: QueryOptions): Promise<ReadonlySet<string>>;
  labelNames(metric: string, options: QueryOptions): Promise<ReadonlySet<string>>;
  /** Only a server that evaluates rules itself has it. */
  ruleExpressions?(alertName: string, options: QueryOptions): Promise<readonly RuleExpression[]>;
  ping(): Promise<void>;
}
