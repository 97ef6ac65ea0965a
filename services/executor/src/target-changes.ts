// Changes read off the targets themselves: what runs now against what ran at the last look. Docker says nothing of who changed a container, but
// another image, more or fewer replicas, a new start or another configuration are suspects of any incident that follows.
import type { Change } from "@tocsin/contracts";
import { type Clock, digestOf, isoTime, type Logger, messageOf, type Sql } from "@tocsin/runtime";
import { insertChanges } from "@tocsin/store";
import type { Replica, Target } from "@tocsin/targets";

/** At the first look, starts up to this long ago are told: nobody was looking when they happened. */
const FIRST_LOOK_BACK_MS = 7_200_000;
const LOOK_EVERY_MS = 10_000;

/**
 * Pure: what changed between two looks. Ids are made of what the target itself says, so that two processes that look, or one that starts anew,
 * tell of a change once.
 *
 * @param before undefined at the first look
 */
export function changesBetweenLooks(before: readonly Target[] | undefined, now: readonly Target[], nowMs: number): Change[] {
  const known = new Map((before ?? []).map((target) => [target.id, target]));
  return now.flatMap((target) => {
    const past = known.get(target.id);
    if (!past) return before === undefined ? startsOf(target, [], nowMs - FIRST_LOOK_BACK_MS, nowMs) : [];
    const found: Change[] = [];
    const tell = (kind: Change["kind"], what: string, text: string, versions: Partial<Change> = {}) =>
      found.push({
        id: `target:${digestOf([target.id, what, newestStart(target) ?? nowMs]).slice(7, 31)}`,
        at: isoTime(nowMs),
        service: target.id,
        kind,
        text,
        ...versions,
      });
    if (target.revision !== past.revision)
      tell("deployment", `revision ${target.revision}`, `${target.id} runs ${target.revision} in place of ${past.revision}`, {
        version: target.revision,
        previousVersion: past.revision,
      });
    if (target.replicas.length !== past.replicas.length)
      tell(
        "scaling",
        `replicas ${target.replicas.length}`,
        `${target.id} has ${target.replicas.length} replicas, before ${past.replicas.length}`,
      );
    if (configOf(target) !== configOf(past)) tell("configuration", `config ${configOf(target)}`, `${target.id} was configured differently`);
    // A new image or configuration comes with new starts: they are part of that change.
    if (found.length === 0) found.push(...startsOf(target, past.replicas, Number.NEGATIVE_INFINITY, nowMs));
    return found;
  });
}

const configOf = (target: Target): string => JSON.stringify(Object.entries(target.config ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)));

function newestStart(target: Target): string | undefined {
  return target.replicas
    .flatMap(({ startedAt }) => startedAt ?? [])
    .sort()
    .at(-1);
}

/** Replicas that have started since; one change for all that started together. */
function startsOf(target: Target, past: readonly Replica[], sinceMs: number, nowMs: number): Change[] {
  const startedBefore = new Map(past.map((replica) => [replica.id, replica.startedAt]));
  const fresh = target.replicas.filter(
    ({ id, startedAt }) => startedAt !== undefined && startedAt !== startedBefore.get(id) && Date.parse(startedAt) >= sinceMs,
  );
  const at = fresh
    .flatMap(({ startedAt }) => startedAt ?? [])
    .sort()
    .at(-1);
  if (at === undefined) return [];
  const killed = fresh.some(({ oomKilled }) => oomKilled) ? ", after the kernel killed it for its memory" : "";
  const of = target.replicas.length > 1 ? ` (${fresh.map(({ id }) => id).join(", ")})` : "";
  return [
    {
      id: `target:${digestOf([target.id, "start", at]).slice(7, 31)}`,
      at: isoTime(Math.min(Date.parse(at), nowMs)),
      service: target.id,
      kind: "restart",
      text: `${target.id} was started${of}${killed}`,
    },
  ];
}

export interface TargetWatch {
  readonly list: () => Promise<readonly Target[]>;
  readonly sql: Sql;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Looks at the targets until `signal` aborts and keeps what changed. While they do not answer, nothing is compared and nothing forgotten. */
export async function watchTargetChanges({ list, sql, clock, log }: TargetWatch, signal: AbortSignal): Promise<void> {
  let before: readonly Target[] | undefined;
  while (!signal.aborted) {
    try {
      const now = await list();
      const changes = changesBetweenLooks(before, now, clock.now());
      if (changes.length > 0) {
        const added = await sql.transaction((tx) => insertChanges(tx, changes));
        if (added > 0) log.info({ changes: added, services: [...new Set(changes.map(({ service }) => service))] }, "targets changed");
      }
      before = now;
    } catch (error) {
      log.debug({ reason: messageOf(error) }, "targets not looked at");
    }
    await clock.sleep(LOOK_EVERY_MS, signal).catch(() => {});
  }
}
