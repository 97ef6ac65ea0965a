import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState, useSyncExternalStore } from "react";
import { api } from "../api/client.ts";
import { type LiveEvent, mergeEvents } from "../view/events.ts";
import { type LiveState, openLiveConnection } from "./live-connection.ts";

export const live = openLiveConnection(
  {
    open: (url) => new EventSource(url),
    position: async () => (await api.streamPosition()).id,
    now: () => Date.now(),
    after: (ms, step) => {
      const timer = setTimeout(step, ms);
      return () => clearTimeout(timer);
    },
  },
  document,
);

export const useLiveState = (): LiveState => useSyncExternalStore(live.onState, live.state);

/** Calls back with everything that happens from now on. */
export function useLiveEvents(listener: (event: LiveEvent) => void): void {
  useEffect(() => live.onEvent(listener), [listener]);
}

/** How long after an event what it may have changed is read again; many events at once are one reading. */
const GATHER_MS = 200;

/** Reads again what an event may have changed. Mounted once. */
export function useFreshness(): void {
  const client = useQueryClient();
  useEffect(() => {
    const touched = new Set<string>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const flush = () => {
      timer = undefined;
      for (const id of touched) void client.invalidateQueries({ queryKey: ["incident", id] });
      touched.clear();
      for (const key of ["incidents", "approvals", "drills", "drill", "stats", "services"])
        void client.invalidateQueries({ queryKey: [key] });
    };
    const stopEvents = live.onEvent((event) => {
      touched.add(event.incidentId);
      timer ??= setTimeout(flush, GATHER_MS);
    });
    let wasBehind = false;
    const stopState = live.onState(() => {
      const { status } = live.state();
      // What changes without an event (health, readiness) may have changed too.
      if (status === "live" && wasBehind) void client.invalidateQueries();
      wasBehind = status === "behind";
    });
    return () => {
      stopEvents();
      stopState();
      clearTimeout(timer);
    };
  }, [client]);
}

export interface IncidentEvents {
  readonly events: readonly LiveEvent[];
  readonly isComplete: boolean;
  readonly problem: Error | undefined;
}

/** Everything that was told of an incident, from its first event, and what comes. */
export function useIncidentEvents(id: string): IncidentEvents {
  const [state, setState] = useState<IncidentEvents>({ events: [], isComplete: false, problem: undefined });
  useEffect(() => {
    let isOver = false;
    setState({ events: [], isComplete: false, problem: undefined });
    const add = (incoming: readonly LiveEvent[]) => setState((before) => ({ ...before, events: mergeEvents(before.events, incoming) }));
    const stop = live.onEvent((event) => {
      if (event.incidentId === id) add([event]);
    });
    (async () => {
      await live.positioned; // from here on the stream tells what these pages do not have yet
      let after = "0";
      while (!isOver) {
        const page = await api.incidentEvents(id, after);
        if (isOver) return;
        add(page.items as readonly LiveEvent[]);
        if (page.next === null) break;
        after = page.next;
      }
      setState((before) => ({ ...before, isComplete: true }));
    })().catch((problem: Error) => {
      if (!isOver) setState((before) => ({ ...before, problem }));
    });
    return () => {
      isOver = true;
      stop();
    };
  }, [id]);
  return state;
}
