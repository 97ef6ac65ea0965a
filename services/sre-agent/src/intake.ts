import {
  ActionDenied,
  ActionFact,
  ActionFinished,
  type Envelope,
  IncidentFact,
  IncidentJoined,
  IncidentOpened,
  IncidentRecovered,
  IncidentRefired,
} from "@tocsin/contracts";
import type { Store } from "@tocsin/store";
import { claimEvents } from "@tocsin/store";
import { sendConclude, sendInvestigate } from "./jobs.ts";

export const GROUP = "tocsin.sre-agent";

/** Pure: which job an event asks for. */
export function jobFor(
  event: Pick<Envelope, "type" | "data">,
): { readonly job: "investigate" | "conclude"; readonly incidentId: string; readonly reason: string } | undefined {
  switch (event.type) {
    case IncidentOpened.type:
      return { job: "investigate", incidentId: IncidentFact.parse(event.data).incidentId, reason: "it opened" };
    case IncidentRefired.type:
    case IncidentRecovered.type:
      return { job: "conclude", incidentId: IncidentFact.parse(event.data).incidentId, reason: "its alerts changed" };
    case ActionFinished.type:
    case ActionDenied.type:
      return { job: "conclude", incidentId: ActionFact.parse(event.data).incidentId, reason: "its run ended" };
    case IncidentJoined.type:
      return undefined; // The round reads the members when it gathers; what joins later is in the next round and in the verification.
    default:
      return undefined;
  }
}

/** One short transaction: which events are new, and the jobs they ask for. */
export async function takeEvents(store: Pick<Store, "sql" | "jobs">, events: readonly Envelope[], settleSeconds: number): Promise<void> {
  const wanted = events.flatMap((event) => {
    const job = jobFor(event);
    return job ? [{ event, ...job }] : [];
  });
  if (wanted.length === 0) return;
  await store.sql.transaction(async (tx) => {
    const fresh = await claimEvents(
      tx,
      GROUP,
      wanted.map(({ event }) => event.id),
    );
    for (const { event, job, incidentId, reason } of wanted) {
      if (!fresh.has(event.id)) continue;
      if (job === "investigate") await sendInvestigate(store.jobs, tx, incidentId, reason, settleSeconds);
      else await sendConclude(store.jobs, tx, incidentId);
    }
  });
}
