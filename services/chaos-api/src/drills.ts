import { ALERT_TOPICS, type DrillRequest, type DrillView, TOPICS, type Topic } from "@tocsin/contracts";
import { type Clock, isoTime, type Logger, messageOf, newId, retry, type Sql } from "@tocsin/runtime";
import { incidentOfDrill, insertDrill, lockRunningDrills, updateDrill } from "@tocsin/store";
import { Counter, type Registry } from "prom-client";
import { faultUnknown, targetBusy, targetUnknown } from "./errors.ts";
import { judge } from "./judge.ts";
import type { LabFaults } from "./lab-faults.ts";

/** What moves a drill's marks. */
export const WATCHED_TOPICS: readonly Topic[] = [...ALERT_TOPICS, TOPICS.events, TOPICS.actions];

export interface Drills {
  /**
   * Begins a drill: stored first, so that a crash leaves a drill that fails at its deadline rather than a fault that nobody knows of.
   * @throws AppError `FAULT_UNKNOWN`, `TARGET_UNKNOWN` (both with `details.known`), `DRILL_TARGET_BUSY`, `CHAOS_LAB_UNAVAILABLE`,
   *   `CHAOS_INJECTION_CONFLICT`
   */
  begin(request: DrillRequest): Promise<DrillView>;
  /** Looks at every running drill anew; one short transaction. What has ended is mended in the lab afterwards, in the background. */
  look(): Promise<void>;
  /** Looks again at each deadline, and every few seconds while drills run, until `signal` aborts. */
  watch(signal: AbortSignal): Promise<void>;
}

/** A drill's marks come with events; this is for deadlines, which no event tells of. */
const LOOK_EVERY_MS = 2_000;

export function createDrills(options: {
  readonly sql: Sql;
  readonly lab: LabFaults;
  readonly clock: Clock;
  readonly log: Logger;
  readonly registry: Registry;
}): Drills {
  const { sql, lab, clock, log } = options;
  const ended = new Counter({
    name: "tocsin_chaos_api_drills_total",
    help: "Drills by how they ended.",
    labelNames: ["fault", "state"],
    registers: [options.registry],
  });

  async function mend(drill: DrillView): Promise<void> {
    try {
      await retry(() => lab.clear(drill.target), { attempts: 3, clock });
    } catch (error) {
      log.warn({ drillId: drill.id, reason: messageOf(error) }, "fault not cleared; it ends by itself");
    }
  }

  function end(drill: DrillView): void {
    ended.inc({ fault: drill.fault, state: drill.state });
    log.info({ drillId: drill.id, fault: drill.fault, target: drill.target, state: drill.state, reason: drill.reason }, "drill ended");
    void mend(drill);
  }

  async function look(): Promise<void> {
    const over = await sql.transaction(async (tx) => {
      const done: DrillView[] = [];
      for (const drill of await lockRunningDrills(tx)) {
        const incident = await incidentOfDrill(tx, drill.target, drill.at.injected);
        const next = judge(drill, incident, clock.now());
        if (JSON.stringify(next) === JSON.stringify(drill)) continue;
        await updateDrill(tx, next);
        if (next.state !== "running") done.push(next);
      }
      return done;
    });
    for (const drill of over) end(drill);
  }

  return {
    look,
    async begin({ fault, target, seconds }) {
      const faults = await lab.list();
      const chosen = faults.find((candidate) => candidate.id === fault);
      if (!chosen)
        throw faultUnknown(
          fault,
          faults.map((candidate) => candidate.id),
        );
      if (!chosen.targets.includes(target)) throw targetUnknown(target, chosen.targets);
      const now = clock.now();
      const drill: DrillView = {
        id: newId("drl", now),
        fault,
        target,
        seconds,
        state: "running",
        at: { injected: isoTime(now) },
        cause: { expected: target, right: false },
        action: { expected: chosen.expectedAction, right: false },
      };
      const busy = await insertDrill(sql, drill);
      if (busy !== undefined) throw targetBusy(target, busy);
      try {
        await lab.inject(target, fault, seconds);
      } catch (error) {
        const failed: DrillView = { ...drill, state: "failed", reason: messageOf(error) };
        if (await updateDrill(sql, failed)) end(failed);
        throw error;
      }
      log.info({ drillId: drill.id, fault, target, seconds }, "drill began");
      return drill;
    },
    async watch(signal) {
      while (!signal.aborted) {
        await look().catch((error) => log.warn({ reason: messageOf(error) }, "drills not looked at"));
        await clock.sleep(LOOK_EVERY_MS, signal).catch(() => {});
      }
    },
  };
}
