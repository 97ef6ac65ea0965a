import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** `tocsin_llm_*`: labels are providers, models and our own words, all bounded. */
export const createMetrics = (registry: Registry) => ({
  calls: new Counter({
    name: "tocsin_llm_attempts_total",
    help: "Requests to models, by how they ended: replied or an LLM_* code",
    labelNames: ["provider", "model", "outcome"],
    registers: [registry],
  }),
  skipped: new Counter({
    name: "tocsin_llm_skipped_total",
    help: "Questions that no model answered, by reason",
    labelNames: ["reason"],
    registers: [registry],
  }),
  tokens: new Counter({
    name: "tocsin_llm_tokens_total",
    help: "Tokens used",
    labelNames: ["provider", "model", "direction"],
    registers: [registry],
  }),
  cost: new Counter({
    name: "tocsin_llm_cost_usd_total",
    help: "Money spent in US dollars, as far as the price table knows the model",
    labelNames: ["provider", "model"],
    registers: [registry],
  }),
  seconds: new Histogram({
    name: "tocsin_llm_attempt_duration_seconds",
    help: "Time from request to the end of the answer",
    labelNames: ["provider", "model"],
    buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120],
    registers: [registry],
  }),
  up: new Gauge({
    name: "tocsin_llm_up",
    help: "1 while the provider is asked, 0 while its breaker is open",
    labelNames: ["provider", "model"],
    registers: [registry],
  }),
  running: new Gauge({ name: "tocsin_llm_running", help: "Requests that wait for an answer now", registers: [registry] }),
});
export type LlmMetrics = ReturnType<typeof createMetrics>;
