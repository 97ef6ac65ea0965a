import { access } from "node:fs/promises";
import type { Clock, Queryable } from "@tocsin/runtime";
import { getSwitch, RED_BUTTON } from "@tocsin/store";
import { redButtonPressed } from "./errors.ts";

export interface RedButton {
  /** Is it pressed, by anybody in any of the three ways? A database that does not answer counts as pressed: nobody could say no. */
  state(on?: Queryable): Promise<{ readonly on: boolean; readonly reason: string }>;
  /** @throws AppError `EXECUTOR_RED_BUTTON` */
  refuseWhenPressed(on?: Queryable): Promise<void>;
  /** Aborts the returned signal soon after it is pressed. `stop` ends the looking. */
  watch(): { readonly signal: AbortSignal; stop(): void };
}

/** Often enough that nobody waits for it, seldom enough that nobody notices. */
const LOOK_EVERY_MS = 500;

export function createRedButton(options: {
  readonly sql: Queryable;
  readonly clock: Clock;
  readonly pressedByConfig: boolean;
  readonly file: string | undefined;
}): RedButton {
  const { sql, clock, pressedByConfig, file } = options;
  const fileIsThere = async () =>
    file !== undefined &&
    (await access(file).then(
      () => true,
      () => false,
    ));

  async function state(on: Queryable = sql): Promise<{ on: boolean; reason: string }> {
    if (pressedByConfig) return { on: true, reason: "by configuration" };
    if (await fileIsThere()) return { on: true, reason: `the file ${file} is there` };
    const { isOn, reason } = await getSwitch(on, RED_BUTTON);
    return { on: isOn, reason };
  }

  return {
    state,
    async refuseWhenPressed(on) {
      const now = await state(on);
      if (now.on) throw redButtonPressed(now.reason);
    },
    watch() {
      const pressed = new AbortController();
      const stopped = new AbortController();
      const look = async () => {
        while (!stopped.signal.aborted && !pressed.signal.aborted) {
          const now = await state().catch(() => ({ on: true, reason: "the database does not answer" }));
          if (now.on && !stopped.signal.aborted) pressed.abort(redButtonPressed(now.reason));
          else await clock.sleep(LOOK_EVERY_MS, stopped.signal).catch(() => {});
        }
      };
      void look();
      return { signal: pressed.signal, stop: () => stopped.abort() };
    },
  };
}
