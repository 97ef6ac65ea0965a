// Storm mode: a mass event is rarely that many local faults, so while it lasts nothing acts on its own. The executor counts by the same
// window in the transaction that decides; here it becomes a state that people see.
import { eventOf, PLATFORM_SUBJECT, StormChanged } from "@tocsin/contracts";
import { type Clock, isoTime, type Sql } from "@tocsin/runtime";
import { appendEvents, getSwitch, incidentsOpenedSince, STORM_MODE, setSwitch } from "@tocsin/store";
import { SOURCE } from "./record.ts";

export interface StormLimits {
  /** So many incidents opened within the window are a storm. */
  readonly incidents: number;
  readonly windowSeconds: number;
}

export interface StormView extends StormLimits {
  readonly on: boolean;
  /** When it last began or ended; absent when there never was one. */
  readonly since?: string;
  /** Opened within the window now. */
  readonly opened: number;
}

/** A storm is over when half of what began it has passed out of the window: a count that hovers must not flap. */
const overAt = (incidents: number): number => Math.max(1, Math.floor(incidents / 2));

export async function readStorm(sql: Sql, clock: Clock, limits: StormLimits): Promise<StormView> {
  const { isOn, changedAt } = await getSwitch(sql, STORM_MODE);
  const opened = await incidentsOpenedSince(sql, clock.now() - limits.windowSeconds * 1_000);
  return { on: isOn, ...(changedAt === undefined ? {} : { since: changedAt }), opened, ...limits };
}

/**
 * Begins or ends storm mode when it is time. Any process may look; the switch's row decides which one tells of it.
 *
 * @returns whether a storm is on
 */
export async function watchStorm(sql: Sql, clock: Clock, limits: StormLimits): Promise<boolean> {
  const { on, opened, windowSeconds } = await readStorm(sql, clock, limits);
  const wanted = on ? opened >= overAt(limits.incidents) : opened >= limits.incidents;
  if (wanted === on) return on;
  const minutes = Math.round(windowSeconds / 60);
  const text = wanted
    ? `${opened} incidents opened within ${minutes} min: a storm, nothing acts on its own until it is over`
    : `the storm is over: ${opened} incidents opened within the last ${minutes} min`;
  await sql.transaction(async (tx) => {
    const { changed, changedAt } = await setSwitch(tx, { name: STORM_MODE, isOn: wanted, reason: text, changedBy: "correlator" });
    if (!changed) return;
    const at = isoTime(clock.now());
    const fact = { incidentId: PLATFORM_SUBJECT, at, kind: wanted ? "storm-began" : "storm-ended", text, on: wanted } as const;
    await appendEvents(tx, [
      eventOf(
        StormChanged,
        { id: `storm:${wanted}:${changedAt}`, source: SOURCE, time: at },
        { ...fact, incidents: opened, windowSeconds },
      ),
    ]);
  });
  return wanted;
}
