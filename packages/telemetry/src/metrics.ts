import { collectDefaultMetrics, Registry } from "prom-client";

/** The registry of a process, with the metrics of Node itself. Never prom-client's default one: two processes in one test must not meet. */
export function createRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}
