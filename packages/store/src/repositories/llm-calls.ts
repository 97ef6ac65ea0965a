// What is known of every call of a language model, as `@tocsin/llm` reads it: the shapes here are those of its ledger.
import { isoTime, type Queryable, type Sql } from "@tocsin/runtime";
import { cleanText, jsonText } from "../values.ts";

/** Calls, tokens, US dollars and seconds. */
interface Spend {
  readonly calls: number;
  readonly tokens: number;
  readonly usd: number;
  readonly seconds: number;
}

interface Attempt {
  readonly callId: string;
  readonly attempt: number;
  readonly incidentId?: string;
  readonly tenant: string;
  readonly subject?: string;
  readonly provider: string;
  readonly model: string;
  readonly prompt: { readonly name: string; readonly version: number; readonly hash: string };
  readonly requestDigest: string;
  readonly reserved: Omit<Spend, "calls">;
}

interface Settlement {
  readonly outcome: "replied" | "failed";
  readonly used: Omit<Spend, "calls">;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly priced: boolean;
  readonly reply?: unknown;
  readonly code?: string;
  readonly text?: string;
}

type LimitScope = "incident" | "hour" | "day" | "tenant";
interface Limit {
  readonly scope: LimitScope;
  readonly what: keyof Spend;
  readonly max: number;
}

type CallRecord<Reply> =
  | { readonly kind: "replied"; readonly reply: Reply; readonly costUsd: number }
  | { readonly kind: "failed"; readonly code: string; readonly text: string }
  | { readonly kind: "unfinished" };
type Reservation<Reply> =
  | CallRecord<Reply>
  | { readonly kind: "reserved" }
  | { readonly kind: "refused"; readonly limit: Limit; readonly used: number; readonly wanted: number }
  | { readonly kind: "cool-down"; readonly callId: string; readonly secondsAgo: number };

/** Reservations happen one after the other, whichever process makes them: two that each look first would both fit. */
const LEDGER_LOCK = 7_460;
const WINDOW_SECONDS = { hour: 3_600, day: 86_400, tenant: 86_400 } as const;

const SUMS = `count(*) AS calls, coalesce(sum(tokens), 0) AS tokens, coalesce(sum(usd), 0) AS usd, coalesce(sum(seconds), 0) AS seconds`;

/** The ledger of model calls in the store. `Reply` is what `@tocsin/llm` calls a reply; it is kept as it is. */
export function llmLedger<Reply>(sql: Sql) {
  return {
    recall: (callId: string) => recall<Reply>(sql, callId),

    async reserve(attempt: Attempt, limits: readonly Limit[], coolDownSeconds: number, nowMs: number): Promise<Reservation<Reply>> {
      return sql.transaction(async (tx) => {
        await tx.query("SELECT pg_advisory_xact_lock($1)", [LEDGER_LOCK]);
        if (attempt.attempt === 1) {
          const record = await recall<Reply>(tx, attempt.callId);
          if (record !== undefined) return record;
          const earlier = await askedBefore(tx, attempt, coolDownSeconds, nowMs);
          if (earlier !== undefined) return earlier;
        }
        const wanted: Spend = { calls: 1, ...attempt.reserved };
        const sums = new Map<LimitScope, Spend>();
        for (const limit of limits) {
          if (limit.scope === "incident" && attempt.incidentId === undefined) continue;
          const spent = sums.get(limit.scope) ?? (await spentIn(tx, limit.scope, attempt, nowMs));
          sums.set(limit.scope, spent);
          const used = spent[limit.what];
          if (used + wanted[limit.what] > limit.max) return { kind: "refused", limit, used, wanted: wanted[limit.what] };
        }
        await insertAttempt(tx, attempt, nowMs);
        return { kind: "reserved" };
      });
    },

    async settle(callId: string, attempt: number, { outcome, used, ...rest }: Settlement, nowMs: number): Promise<void> {
      await sql.query(
        `UPDATE llm_calls SET ended_at = $3, outcome = $4, tokens = $5, usd = $6, seconds = $7, input_tokens = $8, output_tokens = $9,
                priced = $10, reply = $11::jsonb, code = $12, reason = $13
          WHERE call_id = $1 AND attempt = $2 AND ended_at IS NULL`,
        [
          callId,
          attempt,
          isoTime(nowMs),
          outcome,
          used.tokens,
          used.usd,
          used.seconds,
          rest.inputTokens,
          rest.outputTokens,
          rest.priced,
          rest.reply === undefined ? null : jsonText(rest.reply),
          rest.code ?? null,
          rest.text === undefined ? null : cleanText(rest.text),
        ],
      );
    },

    /** Of the last `seconds`, the largest spender first. */
    async spend(seconds: number, nowMs: number): Promise<readonly (Spend & { readonly tenant: string })[]> {
      const { rows } = await sql.query<Spend & { tenant: string }>(
        `SELECT tenant, ${SUMS} FROM llm_calls WHERE begun_at > $1 GROUP BY tenant ORDER BY sum(usd) DESC, sum(tokens) DESC LIMIT 100`,
        [isoTime(nowMs - seconds * 1_000)],
      );
      return rows;
    },
  };
}

/** A reply of any attempt is the answer; an attempt that never ended may have been paid for; only otherwise has the call failed. */
async function recall<Reply>(on: Queryable, callId: string): Promise<CallRecord<Reply> | undefined> {
  const { rows } = await on.query<{ outcome: string | null; reply: Reply | null; usd: number; code: string | null; reason: string | null }>(
    "SELECT outcome, reply, usd, code, reason FROM llm_calls WHERE call_id = $1 ORDER BY attempt",
    [callId],
  );
  const replied = rows.find(({ outcome }) => outcome === "replied");
  if (replied?.reply) return { kind: "replied", reply: replied.reply, costUsd: replied.usd };
  if (rows.some(({ outcome }) => outcome === null)) return { kind: "unfinished" };
  const last = rows.at(-1);
  return last && { kind: "failed", code: last.code ?? "LLM_UNAVAILABLE", text: last.reason ?? "it failed" };
}

async function askedBefore(tx: Queryable, { tenant, subject }: Attempt, coolDownSeconds: number, nowMs: number) {
  if (subject === undefined) return undefined;
  const { rows } = await tx.query<{ callId: string; at: string; outcome: string | null }>(
    `SELECT call_id AS "callId", begun_at AS at, outcome FROM llm_calls
      WHERE tenant = $1 AND subject = $2 AND begun_at > $3 ORDER BY begun_at DESC, attempt DESC LIMIT 1`,
    [tenant, subject, isoTime(nowMs - coolDownSeconds * 1_000)],
  );
  const last = rows[0];
  if (last === undefined || last.outcome === "failed") return undefined;
  return { kind: "cool-down" as const, callId: last.callId, secondsAgo: Math.round((nowMs - Date.parse(last.at)) / 1_000) };
}

async function spentIn(tx: Queryable, scope: LimitScope, attempt: Attempt, nowMs: number): Promise<Spend> {
  const ofIncident = scope === "incident";
  const since = ofIncident ? null : isoTime(nowMs - WINDOW_SECONDS[scope] * 1_000);
  const [where, params] = ofIncident
    ? ["incident_id = $1", [attempt.incidentId]]
    : scope === "tenant"
      ? ["begun_at > $1 AND tenant = $2", [since, attempt.tenant]]
      : ["begun_at > $1", [since]];
  const { rows } = await tx.query<Spend>(`SELECT ${SUMS} FROM llm_calls WHERE ${where}`, params);
  return rows[0] ?? { calls: 0, tokens: 0, usd: 0, seconds: 0 };
}

async function insertAttempt(tx: Queryable, attempt: Attempt, nowMs: number): Promise<void> {
  const { reserved } = attempt;
  await tx.query(
    `INSERT INTO llm_calls (call_id, attempt, incident_id, tenant, subject, provider, model, prompt, request_digest, begun_at, tokens, usd, seconds)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9, $10, $11, $12, $13)`,
    [
      attempt.callId,
      attempt.attempt,
      attempt.incidentId ?? null,
      attempt.tenant,
      attempt.subject ?? null,
      attempt.provider,
      attempt.model,
      jsonText(attempt.prompt),
      attempt.requestDigest,
      isoTime(nowMs),
      reserved.tokens,
      reserved.usd,
      reserved.seconds,
    ],
  );
}
