// Terms. A *notification* is one POST about one group of alerts. It is due when the group has changed since the last one that was
// taken, or a minute after it while something fires. A group has one notification under way at most.
import { backoffMs, type Clock, type Logger, messageOf } from "@tocsin/runtime";
import type { RuledAlert } from "./rule-state.ts";
import { groupKeyOf, webhookBody } from "./webhook.ts";

export type Post = (body: object) => Promise<{ readonly status: number; readonly text: string }>;

export interface NotifierOptions {
  readonly post: Post;
  readonly externalUrl: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** After each try. */
  readonly onOutcome: (outcome: "sent" | "failed" | "refused") => void;
  /** These resolved alerts were told of and may be forgotten. */
  readonly onResolvedTold: (fingerprints: ReadonlySet<string>) => void;
}

export interface Notifier {
  /** Sends what is due among the alerts that fire or are newly resolved. Does not wait for the answers. */
  notify(alerts: readonly RuledAlert[]): void;
  /** Resolves when nothing is under way. */
  settled(): Promise<void>;
}

interface GroupMemory {
  told: string | undefined;
  toldAt: number;
  attempt: number;
  notBefore: number;
  underWay: Promise<void> | undefined;
}

const REPEAT_MS = 60_000;
const BASE_DELAY_MS = 500;
const MAX_DELAY_MS = 60_000;

export function createNotifier(options: NotifierOptions): Notifier {
  const { clock, log } = options;
  const groups = new Map<string, GroupMemory>();

  async function send(key: string, memory: GroupMemory, alerts: readonly RuledAlert[], state: string): Promise<void> {
    const answer = await options.post(webhookBody(alerts, options.externalUrl)).catch((error) => ({ status: 0, text: messageOf(error) }));
    if (answer.status >= 200 && answer.status < 300) {
      memory.told = state;
      memory.toldAt = clock.now();
      memory.attempt = 0;
      options.onOutcome("sent");
      const resolved = alerts.filter((alert) => alert.state === "resolved");
      if (resolved.length > 0) options.onResolvedTold(new Set(resolved.map((alert) => alert.fingerprint)));
      if (resolved.length === alerts.length) groups.delete(key);
      return;
    }
    // As Alertmanager does: 5xx and no answer are tried again soon, anything else only with the next repetition.
    const retried = answer.status >= 500 || answer.status === 0;
    memory.attempt += 1;
    memory.notBefore = clock.now() + (retried ? backoffMs(memory.attempt, BASE_DELAY_MS, MAX_DELAY_MS) : REPEAT_MS);
    options.onOutcome(retried ? "failed" : "refused");
    log.warn({ group: key, status: answer.status, reason: answer.text.slice(0, 300), attempt: memory.attempt }, "alert not delivered");
  }

  return {
    notify(alerts) {
      const now = clock.now();
      for (const [key, members] of Map.groupBy(alerts, groupKeyOf)) {
        const memory = groups.get(key) ?? { told: undefined, toldAt: 0, attempt: 0, notBefore: 0, underWay: undefined };
        groups.set(key, memory);
        const state = members.map((alert) => `${alert.fingerprint} ${alert.state} ${alert.firedAt}`).join("\n");
        const isDue = state !== memory.told || now - memory.toldAt >= REPEAT_MS;
        if (!isDue || memory.underWay !== undefined || now < memory.notBefore) continue;
        memory.underWay = send(key, memory, members, state).finally(() => {
          memory.underWay = undefined;
        });
      }
    },
    async settled() {
      await Promise.all([...groups.values()].map((memory) => memory.underWay));
    },
  };
}

/** @param url where the platform takes Alertmanager's webhooks */
export function httpPost(url: string, signal: AbortSignal): Post {
  return async (body) => {
    const response = await fetch(url, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "content-type": "application/json", "user-agent": "tocsin-lab-ruler" },
      signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
    });
    return { status: response.status, text: await response.text() };
  };
}
