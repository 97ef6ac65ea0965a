import type { AgentDeps, Round } from "./round.ts";

const LOOK_EVERY_MS = 500;

/**
 * Watches, while a model thinks, whether a person has taken the incident over: closed, escalated or merged it (which raises its fence), or
 * acknowledged it since the round began. Aborts then, and when the job is taken away.
 */
export function untilTaken(
  deps: Pick<AgentDeps, "store" | "log">,
  round: Round,
  startedAt: string | undefined,
): { readonly signal: AbortSignal; stop(): void } {
  const taken = new AbortController();
  const onAbort = () => taken.abort(round.signal?.reason);
  if (round.signal?.aborted) onAbort();
  round.signal?.addEventListener("abort", onAbort, { once: true });
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  const look = async () => {
    try {
      if (await isTaken(deps, round, startedAt)) taken.abort(new Error("a person has taken it over"));
    } catch (error) {
      deps.log.debug({ err: error, incidentId: round.incidentId }, "take-over not looked up");
    }
    if (!isStopped && !taken.signal.aborted) timer = setTimeout(look, LOOK_EVERY_MS);
  };
  void look();
  return {
    signal: taken.signal,
    stop() {
      isStopped = true;
      clearTimeout(timer);
      round.signal?.removeEventListener("abort", onAbort);
    },
  };
}

async function isTaken(deps: Pick<AgentDeps, "store">, round: Round, startedAt: string | undefined): Promise<boolean> {
  const { rows } = await deps.store.sql.query<{ fence: number; acknowledgedAt: string | null }>(
    `SELECT fence, acknowledged_at AS "acknowledgedAt" FROM incidents WHERE id = $1`,
    [round.incidentId],
  );
  const now = rows[0];
  if (!now || now.fence !== round.fence) return true;
  return now.acknowledgedAt !== null && startedAt !== undefined && Date.parse(now.acknowledgedAt) >= Date.parse(startedAt);
}
