import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef } from "react";
import type { LiveEvent } from "../view/events.ts";
import { EventRow } from "./event-row.tsx";

/** Up to this many rows are simply there, so that finding text in the page works. */
const PLAIN = 120;

/** Events in order of time. A long list draws only what is in sight. */
export function EventList({ events, label, startMs }: { events: readonly LiveEvent[]; label: string; startMs: number }) {
  if (events.length <= PLAIN)
    return (
      <ol className="events" aria-label={label}>
        {events.map((item) => (
          <li key={item.id}>
            <EventRow item={item} startMs={startMs} />
          </li>
        ))}
      </ol>
    );
  return <LongList events={events} label={label} startMs={startMs} />;
}

function LongList({ events, label, startMs }: { events: readonly LiveEvent[]; label: string; startMs: number }) {
  const frame = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(false);
  const rows = useVirtualizer({
    count: events.length,
    getScrollElement: () => frame.current,
    estimateSize: () => 30,
    overscan: 12,
    getItemKey: (index) => events[index]?.id ?? index,
  });
  const { length } = events;
  useEffect(() => {
    if (isAtEnd.current) rows.scrollToIndex(length - 1, { align: "end" });
  }, [length, rows]);
  return (
    <section
      className="events-frame"
      ref={frame}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by the keyboard
      tabIndex={0}
      aria-label={`${label}, ${length} rows`}
      onScroll={({ currentTarget: { scrollTop, clientHeight, scrollHeight } }) => {
        isAtEnd.current = scrollHeight - scrollTop - clientHeight < 24;
      }}
    >
      <ol className="events virtual" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map((row) => {
          const item = events[row.index];
          return item === undefined ? null : (
            <li
              key={row.key}
              data-index={row.index}
              ref={rows.measureElement}
              aria-posinset={row.index + 1}
              aria-setsize={length}
              style={{ transform: `translateY(${row.start}px)` }}
            >
              <EventRow item={item} startMs={startMs} />
            </li>
          );
        })}
      </ol>
    </section>
  );
}
