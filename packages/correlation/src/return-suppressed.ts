import type { CorrelationConfig } from "./config.ts";
import type { Decisions } from "./decisions.ts";
import { type Arrival, beginTurn, endTurn, place } from "./turn.ts";
import type { WorkingSet } from "./working-set.ts";

/** A suppressed alert that is held back no longer. */
export interface Returning {
  readonly fingerprint: string;
  /** `dedupeKey` names the return: an incident that it opens is named by it. */
  readonly alert: Arrival["alert"];
  readonly at: number;
}

/**
 * Lets alerts into incidents that still fire after what held them back has ended. They count from when they began: what began
 * together is found together. One that is resolved by now, or in an incident already, is left alone.
 */
export function returnSuppressed(set: WorkingSet, returning: readonly Returning[], config: CorrelationConfig): Decisions {
  const turn = beginTurn(set, config);
  const due = returning
    .flatMap((each) => {
      const state = set.alerts.get(each.fingerprint);
      return state?.status === "firing" && state.incidentId === undefined && state.suppressedBy !== undefined ? [{ ...each, state }] : [];
    })
    .sort((a, b) => a.state.startsAt - b.state.startsAt || (a.fingerprint < b.fingerprint ? -1 : 1));
  for (const { alert, at, state } of due) {
    const heldBackBy = state.suppressedBy as string;
    state.suppressedBy = undefined;
    turn.latest = Math.max(turn.latest, at);
    turn.states.add(state);
    const why = place(turn, { alert, startsAt: state.startsAt, at }, state, undefined);
    turn.reasons.set(state.fingerprint, `still fires after it was held back (${heldBackBy}): ${why}`);
  }
  return endTurn(turn);
}
