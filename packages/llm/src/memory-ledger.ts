import type { Spend } from "./adviser.ts";
import { type Attempt, type Limit, type LlmLedger, type Reservation, type Settlement, WINDOW_SECONDS } from "./ledger.ts";

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
    async reserve(attempt, limits, coolDownSeconds, nowMs): Promise<Reservation> {
      if (attempt.attempt === 1) {
        const known = entries.filter((entry) => entry.callId === attempt.callId).at(-1);
        if (known !== undefined) return recordOf(known.settlement);
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
      if (entry) entry.settlement = settlement;
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

function recordOf(settlement: Settlement | undefined): Reservation {
  if (settlement === undefined) return { kind: "unfinished" };
  if (settlement.reply !== undefined) return { kind: "replied", reply: settlement.reply, costUsd: settlement.used.usd };
  return { kind: "failed", code: settlement.code ?? "LLM_UNAVAILABLE", text: settlement.text ?? "it failed" };
}
