import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { IncidentView } from "@tocsin/contracts";
import { useEffect, useMemo, useRef, useState } from "react";
import { incidentQuery, topologyQuery } from "../api/queries.ts";
import { useIncidentEvents } from "../live/use-live.ts";
import { Badge, SeverityMark } from "../parts/badges.tsx";
import { PageHead, Panel } from "../parts/panel.tsx";
import { Empty, Loading, Problem, Shown } from "../parts/states.tsx";
import { isWriting } from "../shell/shortcuts.ts";
import { type LiveEvent, PHASE_NAMES } from "../view/events.ts";
import { frameAt, playTimes } from "../view/replay.ts";
import { clock, offset } from "../view/time.ts";
import { CausalPicture } from "./incident/causal-picture.tsx";
import { Reasoning } from "./incident/reasoning.tsx";
import { RunDetails } from "./incident/runs.tsx";

const route = getRouteApi("/incidents/$id/replay");
const SPEEDS = [1, 4, 16] as const;

/** A past incident exactly as it ran. */
export function Replay() {
  const { id } = route.useParams();
  const query = useQuery(incidentQuery(id));
  const { events, isComplete, problem } = useIncidentEvents(id);
  if (problem !== undefined) return <Problem error={problem} />;
  return (
    <Shown query={query}>
      {(incident) =>
        !isComplete ? (
          <Loading />
        ) : events.length === 0 ? (
          <Empty title="Nothing was told of it" />
        ) : (
          <Player incident={incident} events={events} />
        )
      }
    </Shown>
  );
}

function Player({ incident, events }: { incident: IncidentView; events: readonly LiveEvent[] }) {
  const { at } = route.useSearch();
  const navigate = route.useNavigate();
  const topology = useQuery(topologyQuery);
  const last = events.length - 1;
  const linked = at === undefined ? -1 : events.findIndex((item) => item.id === at);
  const [index, setIndex] = useState(Math.max(0, linked));
  const [isPlaying, setIsPlaying] = useState(false);
  const [speed, setSpeed] = useState<number>(4);
  const times = useMemo(() => playTimes(events), [events]);

  // Plays by the moments of the events, waits cut short.
  useEffect(() => {
    if (!isPlaying) return;
    if (index >= last) {
      setIsPlaying(false);
      return;
    }
    const wait = ((times[index + 1] ?? 0) - (times[index] ?? 0)) / speed;
    const timer = setTimeout(() => setIndex(index + 1), wait);
    return () => clearTimeout(timer);
  }, [isPlaying, index, last, speed, times]);

  // The address follows, so that a link shows this very moment; not on every step while it plays.
  useEffect(() => {
    if (isPlaying) return;
    const timer = setTimeout(() => void navigate({ search: { at: events[index]?.id ?? "" }, replace: true, resetScroll: false }), 300);
    return () => clearTimeout(timer);
  }, [isPlaying, index, events, navigate]);

  const step = useRef((_by: number) => {});
  step.current = (by) => {
    setIsPlaying(false);
    setIndex((now) => Math.min(last, Math.max(0, now + by)));
  };
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (isWriting(event.target) || event.ctrlKey || event.metaKey) return;
      if (event.key === " " && !(event.target instanceof HTMLButtonElement)) {
        event.preventDefault();
        setIsPlaying((playing) => !playing);
      } else if (event.key === "ArrowRight") step.current(1);
      else if (event.key === "ArrowLeft") step.current(-1);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);

  const frame = frameAt(incident, events, index);
  const startMs = Date.parse(events[0]?.at ?? incident.startedAt);
  const shown = {
    ...incident,
    members: [...frame.members],
    verdict: frame.isDiagnosed ? incident.verdict : ("pending" as const),
    state: frame.state,
  };
  const [cause] = frame.isDiagnosed && incident.verdict === "cause" ? incident.causes : [];
  return (
    <>
      <PageHead
        title={
          <>
            <SeverityMark severity={incident.severity} /> {incident.title} <Badge state={frame.state} />
          </>
        }
      >
        <Link to="/incidents/$id" params={{ id: incident.id }} className="button">
          As it is now
        </Link>
      </PageHead>
      <section className="player" aria-label="Replay">
        <div className="player-buttons">
          <button type="button" className="button" onClick={() => step.current(-1)} aria-label="Step back">
            ←
          </button>
          <button
            type="button"
            className="button"
            data-tone="main"
            onClick={() => {
              if (index >= last) setIndex(0);
              setIsPlaying(!isPlaying);
            }}
          >
            {isPlaying ? "Pause" : index >= last ? "From the start" : "Play"}
          </button>
          <button type="button" className="button" onClick={() => step.current(1)} aria-label="Step on">
            →
          </button>
          <select aria-label="Speed" value={speed} onChange={(event) => setSpeed(Number(event.target.value))}>
            {SPEEDS.map((each) => (
              <option key={each} value={each}>
                {each}×
              </option>
            ))}
          </select>
        </div>
        <div className="player-line">
          <input
            type="range"
            min={0}
            max={last}
            value={index}
            aria-label="Moment"
            aria-valuetext={`${clock(frame.atMs)}, ${events[index]?.text ?? ""}`}
            onChange={(event) => {
              setIsPlaying(false);
              setIndex(Number(event.target.value));
            }}
          />
          <div className="player-ticks" aria-hidden="true">
            {events.length < 200 && events.map((item, n) => <span key={item.id} data-event={item.event} data-told={n <= index} />)}
          </div>
        </div>
        <p className="player-time">
          <strong>{clock(frame.atMs)}</strong> <span className="quiet">{offset(startMs, frame.atMs)}</span>{" "}
          <span className="quiet">
            {index + 1} of {events.length}
            {frame.phase !== undefined && ` · ${PHASE_NAMES[frame.phase] ?? frame.phase}`}
          </span>
        </p>
      </section>
      <p className="player-now">{events[index]?.text}</p>
      <div className="incident-columns">
        <div>
          <Panel title="Reasoning until then">
            <Reasoning incident={shown} events={events.slice(0, index + 1)} isPast />
          </Panel>
        </div>
        <div>
          {cause !== undefined && (
            <Panel title="Cause">
              <p>
                <strong>{cause.service}</strong>: {cause.text}
              </p>
            </Panel>
          )}
          <Panel title="What hung together">
            <CausalPicture incident={shown} topology={topology.data} />
          </Panel>
          {frame.runs.length > 0 && (
            <Panel title="Action">
              {frame.runs.map((run) => (
                <RunDetails key={run.id} run={run} />
              ))}
            </Panel>
          )}
        </div>
      </div>
    </>
  );
}
