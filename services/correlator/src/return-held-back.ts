import { type Returning, returnSuppressed, ruleSuppressor } from "@tocsin/correlation";
import { digestOf } from "@tocsin/runtime";
import { type AlertRow, heldBackAlerts, liveSuppressions } from "@tocsin/store";
import { storeTurn, type TurnOptions } from "./store-turn.ts";

/** Alerts looked at in one transaction. */
const PAGE = 500;

/**
 * Lets alerts into incidents that still fire although what held them back has ended: it expired, a person ended it, or the window is
 * over for this week. Which there are is asked of the store, so no timer can be lost and no clock change can be missed.
 *
 * @returns how many came back
 */
export async function returnHeldBack(options: TurnOptions): Promise<number> {
  const { sql, clock } = options;
  let returned = 0;
  let after: AlertRow | undefined;
  for (;;) {
    const page = await heldBackAlerts(sql, after, PAGE);
    if (page.length === 0) return returned;
    after = page.at(-1);
    const at = clock.now();
    const suppress = ruleSuppressor([...(options.standing ?? []), ...(await liveSuppressions(sql, at))]);
    const due = page.filter((row) => suppress({ ...row, service: row.service ?? undefined }, at) === undefined);
    if (due.length > 0) returned += await comeBack(due, at, options);
    if (page.length < PAGE) return returned;
  }
}

async function comeBack(due: readonly AlertRow[], at: number, options: TurnOptions): Promise<number> {
  const byScope = Map.groupBy(due, ({ scope }) => scope);
  const decisions = await storeTurn(
    {
      scopes: [...byScope.keys()],
      alerts: due,
      decide: (set) =>
        returnSuppressed(
          set,
          (byScope.get(set.scope) ?? []).map((row) => returningOf(row, at)),
          options.config,
        ),
    },
    options,
  );
  return decisions.reduce((sum, { reasons }) => sum + reasons.size, 0);
}

const returningOf = (row: AlertRow, at: number): Returning => ({
  fingerprint: row.fingerprint,
  at,
  alert: { annotations: row.annotations, dedupeKey: digestOf(`returned ${row.scope} ${row.fingerprint} ${row.startsAt} ${at}`) },
});
