import { type ByPerson, type Decisions, mergeByPerson, splitByPerson, type WorkingSet } from "@tocsin/correlation";
import { digestOf } from "@tocsin/runtime";
import { type CorrelationWish, scopeOfIncident } from "@tocsin/store";
import { storeTurn, type TurnOptions } from "./store-turn.ts";

const NOTHING: Decisions = {
  alerts: [],
  states: new Set(),
  opened: new Set(),
  changed: new Set(),
  members: [],
  roles: [],
  merged: [],
  facts: [],
  pairs: [],
  reasons: new Map(),
};

/**
 * Merges or splits because a person wants it. Repeating a wish changes nothing: the second time, it is refused.
 *
 * @returns why nothing was done, or undefined when it was
 */
export async function decideByPerson(wish: CorrelationWish, options: TurnOptions): Promise<string | undefined> {
  const { sql, clock, config } = options;
  const incidentId = wish.kind === "merge" ? wish.intoId : wish.incidentId;
  const scope = await scopeOfIncident(sql, incidentId);
  if (scope === undefined) return `${incidentId} is unknown`;
  let refusal: string | undefined;
  const apply = (set: WorkingSet): ByPerson => {
    const at = clock.now();
    if (wish.kind === "merge") return mergeByPerson(set, { ...wish, at }, config);
    const newId = `inc_${digestOf(wish.id).slice(7, 39)}`;
    return splitByPerson(set, { ...wish, fingerprints: wish.fingerprints.split(","), newId, at }, config);
  };
  await storeTurn(
    {
      scopes: [scope],
      alerts: [],
      by: wish.by,
      decide(set) {
        const result = apply(set);
        refusal = result.kind === "refused" ? result.reason : undefined;
        return result.kind === "refused" ? NOTHING : result.decisions;
      },
    },
    options,
  );
  return refusal;
}
