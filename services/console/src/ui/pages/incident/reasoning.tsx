import { Link } from "@tanstack/react-router";
import type { Evidence, IncidentView } from "@tocsin/contracts";
import { useNow } from "../../live/use-now.ts";
import { EventRow } from "../../parts/event-row.tsx";
import { ModelDetails } from "../../parts/model-note.tsx";
import { type Chapter, chaptersOf, type LiveEvent, PHASE_NAMES } from "../../view/events.ts";
import { span } from "../../view/time.ts";

/** So many of one chapter are shown here, the latest; the timeline has all of them and draws only what is in sight. */
const SHOWN = 40;

/** Thoughts and actions by phase, each with its evidence one click away. */
export function Reasoning({
  incident,
  events,
  isPast = false,
}: {
  incident: Pick<IncidentView, "id" | "startedAt" | "state" | "evidence">;
  events: readonly LiveEvent[];
  /** Shown as it was, not as it is: nothing in it goes on. */
  isPast?: boolean;
}) {
  const chapters = chaptersOf(events);
  const startMs = Date.parse(incident.startedAt);
  const byId = new Map((incident.evidence ?? []).map((each) => [each.id, each]));
  const isOver = isPast || incident.state === "closed" || incident.state === "resolved" || incident.state === "escalated";
  return (
    <ol className="chapters" aria-live="polite" aria-relevant="additions">
      {chapters.map((chapter, n) => (
        <ChapterView
          key={chapter.key}
          chapter={chapter}
          next={chapters[n + 1]}
          startMs={startMs}
          evidence={byId}
          incidentId={incident.id}
          isCurrent={!isOver && n === chapters.length - 1}
        />
      ))}
    </ol>
  );
}

function ChapterView({
  chapter,
  next,
  startMs,
  evidence,
  incidentId,
  isCurrent,
}: {
  chapter: Chapter;
  next: Chapter | undefined;
  startMs: number;
  evidence: ReadonlyMap<string, Evidence>;
  incidentId: string;
  isCurrent: boolean;
}) {
  const from = Date.parse(chapter.events[0]?.at ?? "");
  const to = Date.parse(next?.events[0]?.at ?? chapter.events.at(-1)?.at ?? "");
  return (
    <li className="chapter" data-phase={chapter.phase} data-current={isCurrent}>
      <h3>
        {PHASE_NAMES[chapter.phase] ?? chapter.phase}
        <span className="quiet"> {isCurrent ? <Running from={from} /> : span(Math.max(0, (to - from) / 1000))}</span>
      </h3>
      {chapter.events.length > SHOWN && <p className="quiet">The first {chapter.events.length - SHOWN} stand in the timeline.</p>}
      {chapter.events.slice(-SHOWN).map((item) => (
        <div key={item.id}>
          <EventRow item={item} startMs={startMs} />
          {item.model !== undefined && <ModelDetails note={item.model} />}
          {item.evidence !== undefined && item.evidence.length > 0 && (
            <p className="event-evidence">
              {item.evidence.slice(0, 8).map((id) => {
                const found = evidence.get(id);
                return found === undefined ? null : (
                  <Link
                    key={id}
                    to="/incidents/$id"
                    params={{ id: incidentId }}
                    search={(before) => ({ ...before, evidence: id })}
                    resetScroll={false}
                    title={found.text}
                  >
                    {found.kind}
                    {found.service === undefined ? "" : ` · ${found.service}`}
                  </Link>
                );
              })}
            </p>
          )}
        </div>
      ))}
    </li>
  );
}

function Running({ from }: { from: number }) {
  const now = useNow();
  return <>for {span(Math.max(0, Math.round((now - from) / 1000)))} …</>;
}
