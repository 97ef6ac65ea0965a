import { usePreferences } from "../live/preferences.ts";
import type { LiveEvent } from "../view/events.ts";
import { clock, offset } from "../view/time.ts";
import { EventText } from "./event-text.tsx";

/** One event: when, what kind, and what was said. */
export function EventRow({ item, startMs }: { item: LiveEvent; startMs: number }) {
  const { times } = usePreferences();
  return (
    <div className="event" data-event={item.event}>
      <time dateTime={item.at} title={new Date(item.at).toString()}>
        {times === "relative" ? offset(startMs, Date.parse(item.at)) : clock(item.at)}
      </time>
      <span className="event-kind">{item.kind}</span>
      <span className="event-text">
        <EventText text={item.text} />
      </span>
    </div>
  );
}
