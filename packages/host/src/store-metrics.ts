import type { Clock, Queryable } from "@tocsin/runtime";
import { type OnJobWorked, outboxBacklog } from "@tocsin/store";
import { Counter, Gauge, type Registry } from "prom-client";

/** Several gauges are collected in one scrape: they share an answer of this age, in milliseconds. */
const FRESH_MS = 1_000;

/** Counts tries of jobs in this process. */
export function jobCounter(registry: Registry): OnJobWorked {
  const jobs = new Counter({
    name: "tocsin_store_jobs_total",
    help: "Tries of jobs, by how they ended.",
    labelNames: ["queue", "outcome"],
    registers: [registry],
  });
  return (queue, outcome) => jobs.inc({ queue, outcome });
}

/** What of the event log the bus does not have yet: every process tells the same, so that one of them alive is enough. */
export function gaugeOutbox(registry: Registry, sql: Queryable, clock: Clock): void {
  let asked = { at: Number.NEGATIVE_INFINITY, answer: outboxUnknown() };
  const backlog = () => {
    // A store that is away must not take the metrics of everything else with it: NaN is what is known then.
    if (clock.now() - asked.at > FRESH_MS) asked = { at: clock.now(), answer: outboxBacklog(sql).catch(outboxUnknown) };
    return asked.answer;
  };
  const gauge = (name: string, help: string, read: (backlog: { events: number; lagSeconds: number }) => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        this.set(read(await backlog()));
      },
    });
  gauge("tocsin_store_outbox_events", "Events that wait in the event log for the bus.", ({ events }) => events);
  gauge("tocsin_store_outbox_lag_seconds", "Age of the oldest event that waits for the bus.", ({ lagSeconds }) => lagSeconds);
}

const outboxUnknown = async () => ({ events: Number.NaN, lagSeconds: Number.NaN });
