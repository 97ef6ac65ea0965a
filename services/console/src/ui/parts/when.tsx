import { setPreferences, usePreferences } from "../live/preferences.ts";
import { useNow } from "../live/use-now.ts";
import { ago, moment, span } from "../view/time.ts";

/** A moment, as the person wants moments written; the other way of writing it is a hover away. */
export function When({ at }: { at: string }) {
  const now = useNow();
  const { times } = usePreferences();
  const relative = ago(at, now);
  const absolute = moment(at, now);
  return (
    <time dateTime={at} title={times === "relative" ? new Date(at).toString() : relative}>
      {times === "relative" ? relative : absolute}
    </time>
  );
}

/** How long something takes so far, or took. */
export function Lasting({ from, to }: { from: string; to?: string | undefined }) {
  const now = useNow();
  return <span className="figure">{span(Math.max(0, ((to === undefined ? now : Date.parse(to)) - Date.parse(from)) / 1000))}</span>;
}

export function TimesSwitch() {
  const { times } = usePreferences();
  return (
    <button
      type="button"
      className="quiet-button"
      aria-pressed={times === "absolute"}
      onClick={() => setPreferences({ times: times === "relative" ? "absolute" : "relative" })}
    >
      {times === "relative" ? "Relative times" : "Absolute times"}
    </button>
  );
}
