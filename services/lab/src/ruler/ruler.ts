import { type Clock, type Logger, messageOf } from "@tocsin/runtime";
import type { MetricsPort } from "@tocsin/signals";
import { Counter, type Registry } from "prom-client";
import { createNotifier, type Post } from "./notifier.ts";
import type { AlertRule, RuleGroup } from "./rule-file.ts";
import { evaluated, type RuledAlert, type RuleState, toTell, withoutResolved } from "./rule-state.ts";

export interface RulerOptions {
  readonly groups: readonly RuleGroup[];
  readonly metrics: Pick<MetricsPort, "query">;
  readonly post: Post;
  readonly externalUrl: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly registry: Registry;
}

export interface Ruler {
  /** Evaluates one group now, and sends what is due. */
  evaluate(group: RuleGroup): Promise<void>;
  /** Every alert that is pending, firing, or resolved and not yet told of. */
  alerts(): readonly RuledAlert[];
  /** Evaluates each group at its interval until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** Evaluates alerting rules over a metrics port and notifies as Prometheus and Alertmanager do together. */
export function createRuler(options: RulerOptions): Ruler {
  const { clock, log, registry } = options;
  const states = new Map<AlertRule, RuleState>();
  const failuresInARow = new Map<AlertRule, number>();
  const registers = [registry];
  const failures = new Counter({
    name: "tocsin_lab_rule_evaluation_failures_total",
    help: "Evaluations of a rule that gave no full answer; its alerts stay as they are.",
    labelNames: ["rule"],
    registers,
  });
  const notifications = new Counter({
    name: "tocsin_lab_notifications_total",
    help: "Webhooks by what came of them.",
    labelNames: ["outcome"],
    registers,
  });
  const alerts = () => [...states.values()].flatMap((state) => [...state.values()]);
  const notifier = createNotifier({
    ...options,
    onOutcome: (outcome) => notifications.inc({ outcome }),
    onResolvedTold(fingerprints) {
      for (const [rule, state] of states) states.set(rule, withoutResolved(state, fingerprints));
    },
  });

  async function evaluateRule(rule: AlertRule): Promise<void> {
    const now = clock.now();
    try {
      const answer = await options.metrics.query(rule.expr, now / 1000);
      // What is missing from a partial answer is not known to be well: nothing is resolved by silence.
      if (answer.partial.length > 0 && answer.value.length === 0) throw new Error(answer.partial.join("; "));
      const before: RuleState = states.get(rule) ?? new Map();
      const after = evaluated(rule, before, answer.value, now);
      for (const alert of after.values())
        if (alert.state !== "pending" && alert.state !== before.get(alert.fingerprint)?.state)
          log.info({ alert: rule.name, labels: alert.labels, state: alert.state }, "alert changed");
      states.set(rule, after);
      failuresInARow.delete(rule);
    } catch (error) {
      failures.inc({ rule: rule.name });
      const inARow = (failuresInARow.get(rule) ?? 0) + 1;
      failuresInARow.set(rule, inARow);
      // Once, and not at the first: metrics that were never scraped yet are how every start looks.
      if (inARow === 2) log.warn({ alert: rule.name, reason: messageOf(error) }, "rule not evaluated");
    }
  }

  async function evaluate(group: RuleGroup): Promise<void> {
    for (const rule of group.rules) await evaluateRule(rule);
    notifier.notify([...states.values()].flatMap(toTell));
  }

  async function runGroup(group: RuleGroup, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const begin = clock.now();
      await evaluate(group);
      await clock.sleep(Math.max(100, group.intervalMs - (clock.now() - begin)), signal).catch(() => {});
    }
  }

  return {
    evaluate,
    alerts,
    async run(signal) {
      await Promise.all(options.groups.map((group) => runGroup(group, signal)));
      await notifier.settled();
    },
  };
}
