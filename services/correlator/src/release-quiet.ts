import { releaseQuiet } from "@tocsin/correlation";
import { scopesToRelease } from "@tocsin/store";
import { storeTurn, type TurnOptions } from "./store-turn.ts";

/**
 * Lets go of flapping alerts that have been quiet long enough. Which there are is asked of the store, so it does not matter which
 * process does it, nor that the one which held them is gone.
 *
 * @returns how many scopes had some
 */
export async function releaseQuietAlerts(options: TurnOptions): Promise<number> {
  const { sql, clock, config } = options;
  const scopes = await scopesToRelease(sql, clock.now() - config.flappingHoldMs);
  if (scopes.length === 0) return 0;
  await storeTurn({ scopes, alerts: [], decide: (set) => releaseQuiet(set, clock.now(), config) }, options);
  return scopes.length;
}
