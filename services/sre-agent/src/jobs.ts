import type { Queryable } from "@tocsin/runtime";
import type { Jobs } from "@tocsin/store";

export const INVESTIGATE = "sre-agent.investigate";
export const CONCLUDE = "sre-agent.conclude";
export const TELL = "sre-agent.tell";

/** Asks for an investigation; one waits per incident. */
export const sendInvestigate = (jobs: Jobs, tx: Queryable, incidentId: string, reason: string, startAfterSeconds = 0): Promise<void> =>
  jobs.send(tx, {
    queue: INVESTIGATE,
    data: { incidentId, reason },
    singletonKey: incidentId,
    ...(startAfterSeconds > 0 ? { startAfterSeconds } : {}),
  });

/** Asks for a look at how an incident goes on: now, or after a while. One of each waits per incident, so that news never waits for a timer. */
export const sendConclude = (jobs: Jobs, tx: Queryable, incidentId: string, startAfterSeconds = 0): Promise<void> =>
  jobs.send(tx, {
    queue: CONCLUDE,
    data: { incidentId },
    singletonKey: startAfterSeconds > 0 ? `${incidentId}:later` : incidentId,
    ...(startAfterSeconds > 0 ? { startAfterSeconds } : {}),
  });

/** Asks for a round to be put into words. */
export const sendTell = (jobs: Jobs, tx: Queryable, incidentId: string, round: number): Promise<void> =>
  jobs.send(tx, { queue: TELL, data: { incidentId, round: String(round) }, singletonKey: `${incidentId}:${round}` });
