import type { Spend } from "./adviser.ts";
import { type Attempt, type CallRecord, type Limit, type LlmLedger, type Reservation, type Settlement, WINDOW_SECONDS } from "./ledger.ts";

interface Entry extends Attempt {
  readonly at: number;
  settlement?: Settlement;
}

const usedBy = (entry: Entry): Spend => ({ calls: 1, ...(entry.settlement?.used ?? entry.reserved) });

/** A ledger that ends with the process: for evaluations and tests, where nothing has to outlive it. */
export function memoryLedger(): LlmLedger {
  const entries: Entry[] = [];

  const inScope = (limit: Limit, attempt: Attempt, nowMs: number) => (entry: Entry) => {
    if (limit.scope === "incident") return entry.incidentId === attempt.incidentId;
    if (limit.scope === "tenant" && entry.tenant !== attempt.tenant) return false;
    return entry.at > nowMs - WINDOW_SECONDS[limit.scope] * 1_000;
  };

  return {
    async recall(callId) {
      return recordOf(entries.filter((entry) => entry.callId === callId));
    },
    async reserve(attempt, limits, coolDownSeconds, nowMs): Promise<Reservation> {
      if (attempt.attempt === 1) {
        const known = recordOf(entries.filter((entry) => entry.callId === attempt.callId));
        if (known !== undefined) return known;
        const since = nowMs - coolDownSeconds * 1_000;
        const earlier =
          attempt.subject === undefined
            ? undefined
            : entries.findLast((entry) => entry.subject === attempt.subject && entry.tenant === attempt.tenant && entry.at > since);
        if (earlier && earlier.settlement?.outcome !== "failed") {
          return { kind: "cool-down", callId: earlier.callId, secondsAgo: Math.round((nowMs - earlier.at) / 1_000) };
        }
      }
      const wanted: Spend = { calls: 1, ...attempt.reserved };
      for (const limit of limits) {
        if (limit.scope === "incident" && attempt.incidentId === undefined) continue;
        const used = entries.filter(inScope(limit, attempt, nowMs)).reduce((sum, entry) => sum + usedBy(entry)[limit.what], 0);
        if (used + wanted[limit.what] > limit.max) return { kind: "refused", limit, used, wanted: wanted[limit.what] };
      }
      entries.push({ ...attempt, at: nowMs });
      return { kind: "reserved" };
    },
    async settle(callId, attempt, settlement) {
      const entry = entries.find((one) => one.callId === callId && one.attempt === attempt);
      // Who comes late changes nothing.
      if (entry) entry.settlement ??= settlement;
    },
    async spend(seconds, nowMs) {
      const byTenant = new Map<string, Spend>();
      for (const entry of entries) {
        if (entry.at <= nowMs - seconds * 1_000) continue;
        const sum = byTenant.get(entry.tenant) ?? { calls: 0, tokens: 0, usd: 0, seconds: 0 };
        const more = usedBy(entry);
        byTenant.set(entry.tenant, {
          calls: sum.calls + more.calls,
          tokens: sum.tokens + more.tokens,
          usd: sum.usd + more.usd,
          seconds: sum.seconds + more.seconds,
        });
      }
      return [...byTenant].map(([tenant, spend]) => ({ tenant, ...spend })).sort((a, b) => b.usd - a.usd || b.tokens - a.tokens);
    },
  };
}

/** A reply of any attempt is the answer; an attempt that never ended may have been paid for; only otherwise has the call failed. */
function recordOf(attempts: readonly Entry[]): CallRecord | undefined {
  const replied = attempts.find(({ settlement }) => settlement?.reply !== undefined)?.settlement;
  if (replied?.reply !== undefined) return { kind: "replied", reply: replied.reply, costUsd: replied.used.usd };
  if (attempts.some(({ settlement }) => settlement === undefined)) return { kind: "unfinished" };
  const last = attempts.at(-1)?.settlement;
  return last && { kind: "failed", code: last.code ?? "LLM_UNAVAILABLE", text: last.text ?? "it failed" };
}
