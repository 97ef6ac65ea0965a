import type { RunState, StepState } from "@tocsin/contracts";
import type { Decision } from "@tocsin/runbooks";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";

export interface ExecutorMetrics {
  /** A decision, how long it took, and the rules that made it. */
  decided(decision: Decision, seconds: number): void;
  /** A run ended. */
  finished(state: RunState, seconds: number | undefined): void;
  step(verb: string, role: "act" | "undo", state: StepState): void;
  running(change: 1 | -1): void;
  runbooks(loaded: number, refused: number): void;
}

export function createMetrics(registry: Registry): ExecutorMetrics {
  const registers = [registry];
  const decisions = new Counter({
    name: "tocsin_executor_decisions_total",
    help: "Decisions on runs, by verdict.",
    labelNames: ["verdict"],
    registers,
  });
  const rules = new Counter({
    name: "tocsin_executor_rules_total",
    help: "Rules that refused a run or asked for an approval.",
    labelNames: ["rule", "verdict"],
    registers,
  });
  const decisionSeconds = new Histogram({
    name: "tocsin_executor_decision_duration_seconds",
    help: "Time from facts to verdict, without gathering the facts.",
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05],
    registers,
  });
  const runs = new Counter({
    name: "tocsin_executor_runs_total",
    help: "Runs that came to an end, by state.",
    labelNames: ["state"],
    registers,
  });
  const runSeconds = new Histogram({
    name: "tocsin_executor_run_duration_seconds",
    help: "Time from the start of a run to its end, verification included.",
    labelNames: ["state"],
    buckets: [1, 2.5, 5, 10, 20, 30, 60, 120, 300, 900],
    registers,
  });
  const steps = new Counter({
    name: "tocsin_executor_steps_total",
    help: "Steps that came to an end.",
    labelNames: ["verb", "role", "state"],
    registers,
  });
  const running = new Gauge({ name: "tocsin_executor_runs_running", help: "Runs under way in this process.", registers });
  const runbooks = new Gauge({
    name: "tocsin_executor_runbooks",
    help: "Runbook files, by whether they loaded.",
    labelNames: ["outcome"],
    registers,
  });
  return {
    decided({ verdict, reasons }, seconds) {
      decisions.inc({ verdict });
      decisionSeconds.observe(seconds);
      for (const reason of reasons) if (reason.verdict !== "allow") rules.inc({ rule: reason.rule, verdict: reason.verdict });
    },
    finished(state, seconds) {
      runs.inc({ state });
      if (seconds !== undefined) runSeconds.observe({ state }, seconds);
    },
    step: (verb, role, state) => steps.inc({ verb, role, state }),
    running: (change) => running.inc(change),
    runbooks(loaded, refused) {
      runbooks.set({ outcome: "loaded" }, loaded);
      runbooks.set({ outcome: "refused" }, refused);
    },
  };
}
