// Changes read off the targets themselves: what runs now against what ran at the last look. Docker says nothing of who changed a container, but
// another image, more or fewer replicas, a new start or another configuration are suspects of any incident that follows.
import type { Change } from "@tocsin/contracts";
import { type Clock, digestOf, isoTime, type Logger, messageOf, type Sql } from "@tocsin/runtime";
import { insertChanges } from "@tocsin/store";
import type { Replica, Target, TargetEvent, TargetPort } from "@tocsin/targets";

/** At the first look, starts up to this long ago are told: nobody was looking when they happened. */
const FIRST_LOOK_BACK_MS = 7_200_000;
const LOOK_EVERY_MS = 10_000;
/** After the first of several events that belong together: an old container goes, a new one comes and starts. */
const SETTLE_MS = 500;

/**
 * Pure: what changed between two looks. Ids are made of what the target itself says, so that two processes that look, or one that starts anew,
 * tell of a change once.
 *
 * @param before undefined at the first look
 * @param killed replicas that the kernel is known to have killed for their memory since
 */
export function changesBetweenLooks(
  before: readonly Target[] | undefined,
  now: readonly Target[],
  nowMs: number,
  killed: ReadonlySet<string> = new Set(),
): Change[] {
  const known = new Map((before ?? []).map((target) => [target.id, target]));
  return now.flatMap((target) => {
    const past = known.get(target.id);
    if (!past) return before === undefined ? startsOf(target, [], nowMs - FIRST_LOOK_BACK_MS, nowMs, killed) : [];
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
    if (found.length === 0) found.push(...startsOf(target, past.replicas, Number.NEGATIVE_INFINITY, nowMs, killed));
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
function startsOf(target: Target, past: readonly Replica[], sinceMs: number, nowMs: number, killed: ReadonlySet<string>): Change[] {
  const startedBefore = new Map(past.map((replica) => [replica.id, replica.startedAt]));
  const fresh = target.replicas.filter(
    ({ id, startedAt }) => startedAt !== undefined && startedAt !== startedBefore.get(id) && Date.parse(startedAt) >= sinceMs,
  );
  const at = fresh
    .flatMap(({ startedAt }) => startedAt ?? [])
    .sort()
    .at(-1);
  if (at === undefined) return [];
  const why = fresh.some(({ id, oomKilled }) => oomKilled || killed.has(id)) ? ", after the kernel killed it for its memory" : "";
  const of = target.replicas.length > 1 ? ` (${fresh.map(({ id }) => id).join(", ")})` : "";
  return [
    {
      id: `target:${digestOf([target.id, "start", at]).slice(7, 31)}`,
      at: isoTime(Math.min(Date.parse(at), nowMs)),
      service: target.id,
      kind: "restart",
      text: `${target.id} was started${of}${why}`,
    },
  ];
}

export interface TargetWatch {
  readonly targets: Pick<TargetPort, "list" | "watch">;
  readonly sql: Sql;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Looks at the targets until `signal` aborts and keeps what changed: at once when they tell of something, and every ten seconds whether they do
 * or not. While they do not answer, nothing is compared and nothing forgotten.
 */
export async function watchTargetChanges({ targets, sql, clock, log }: TargetWatch, signal: AbortSignal): Promise<void> {
  let before: readonly Target[] | undefined;
  let killed = new Set<string>();
  let due = new AbortController();
  const listening = listen(
    targets,
    ({ replica, what }) => {
      if (what === "oom") killed.add(replica);
      due.abort();
    },
    { clock, log },
    signal,
  );
  while (!signal.aborted) {
    // Before the look: what is told of while it lasts is looked at once more.
    due = new AbortController();
    const told = killed;
    killed = new Set();
    try {
      const now = await targets.list();
      const changes = changesBetweenLooks(before, now, clock.now(), told);
      if (changes.length > 0) {
        const added = await sql.transaction((tx) => insertChanges(tx, changes));
        if (added > 0) log.info({ changes: added, services: [...new Set(changes.map(({ service }) => service))] }, "targets changed");
      }
      before = now;
      // Killed and not started again yet: its next start says why.
      for (const replica of told) if (isDown(replica, now)) killed.add(replica);
    } catch (error) {
      for (const replica of told) killed.add(replica);
      log.debug({ reason: messageOf(error) }, "targets not looked at");
    }
    const isTold = await clock.sleep(LOOK_EVERY_MS, AbortSignal.any([signal, due.signal])).then(
      () => false,
      () => !signal.aborted,
    );
    if (isTold) await clock.sleep(SETTLE_MS, signal).catch(() => {});
  }
  await listening;
}

const isDown = (replica: string, targets: readonly Target[]): boolean =>
  targets.some(({ replicas }) => replicas.some(({ id, state }) => id === replica && state !== "running"));

/** Listens for as long as the process lives: a source that ends or is away is asked again. */
async function listen(
  targets: TargetWatch["targets"],
  onEvent: (event: TargetEvent) => void,
  { clock, log }: Pick<TargetWatch, "clock" | "log">,
  signal: AbortSignal,
): Promise<void> {
  while (targets.watch !== undefined && !signal.aborted) {
    await targets.watch(onEvent, signal).catch((error) => log.debug({ reason: messageOf(error) }, "targets not listened to"));
    await clock.sleep(LOOK_EVERY_MS, signal).catch(() => {});
  }
}
