// Terms. An incident moves along the edges of one small graph. A *move* names the edge's end and why; a move that is not on
// an edge is refused, never bent.
import type { IncidentState } from "@tocsin/contracts";

/** Every allowed move. `escalated` hands the incident to a person, who may hand it back or end it. */
export const EDGES: Readonly<Record<IncidentState, readonly IncidentState[]>> = {
  open: ["investigating", "resolved", "escalated", "closed"],
  investigating: ["mitigating", "awaiting-approval", "verifying", "resolved", "escalated", "closed"],
  mitigating: ["awaiting-approval", "verifying", "investigating", "escalated", "closed"],
  "awaiting-approval": ["mitigating", "verifying", "investigating", "escalated", "closed"],
  verifying: ["resolved", "investigating", "escalated", "closed"],
  resolved: ["investigating", "closed", "escalated"],
  escalated: ["investigating", "resolved", "closed"],
  closed: [],
};

export type Move =
  | { readonly kind: "moved"; readonly from: IncidentState; readonly to: IncidentState }
  | { readonly kind: "refused"; readonly reason: string };

/** Pure: may an incident in `from` move to `to`? Staying where it is counts as refused, so that nothing is told twice. */
export function move(from: IncidentState, to: IncidentState): Move {
  if (EDGES[from].includes(to)) return { kind: "moved", from, to };
  if (from === to) return { kind: "refused", reason: `it is ${from} already` };
  return {
    kind: "refused",
    reason: `an incident that is ${from} cannot become ${to}; it can become ${EDGES[from].join(", ") || "nothing any more"}`,
  };
}

/** Every state from which an incident may become `to`. */
export const statesBefore = (to: IncidentState): readonly IncidentState[] =>
  (Object.keys(EDGES) as IncidentState[]).filter((from) => EDGES[from].includes(to));

/** Closed incidents never change again; a later alert opens a new one. */
export const isTerminal = (state: IncidentState): boolean => state === "closed";

/** Does the platform itself still work on it? Escalated and resolved incidents wait for a person or for time. */
export const isBeingWorked = (state: IncidentState): boolean =>
  state === "open" || state === "investigating" || state === "mitigating" || state === "awaiting-approval" || state === "verifying";
