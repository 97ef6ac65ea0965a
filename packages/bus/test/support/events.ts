import {
  type Alert,
  AlertFiring,
  type Envelope,
  eventOf,
  IncidentOpened,
  type OutgoingEvent,
  type Severity,
  ThoughtRecorded,
} from "@tocsin/contracts";
import type { Delivery } from "../../src/event-bus.ts";

const at = "2026-01-01T00:00:00.000Z";
const source = "/tocsin/test";

/** An incident opens: the key is the incident, the number says which event of the test it is. */
export const opened = (incidentId: string, number: number | string, traceparent?: string): OutgoingEvent =>
  eventOf(
    IncidentOpened,
    { id: `${incidentId}-${number}`, source, time: at, ...(traceparent === undefined ? {} : { traceparent }) },
    { incidentId, at, kind: "opened", text: String(number), state: "open" },
  );

/** A thought with a text of any length. */
export const thought = (incidentId: string, id: string, text: string): OutgoingEvent =>
  eventOf(ThoughtRecorded, { id, source, time: at }, { incidentId, at, kind: "note", text, phase: "gather" });

export function alert(severity: Severity, scope: string, number: number): OutgoingEvent {
  const data: Alert = {
    fingerprint: "0123456789abcdef",
    dedupeKey: `sha256:${String(number).padStart(64, "0")}`,
    source: "alertmanager",
    name: "HighErrorRate",
    severity,
    scope,
    status: "firing",
    labels: { alertname: "HighErrorRate" },
    annotations: {},
    startsAt: at,
    receivedAt: at,
  };
  return eventOf(AlertFiring, { id: `${severity}-${scope}-${number}`, source, time: at }, data);
}

/** Remembers what came and lets a test wait for more. */
export function recorder() {
  const deliveries: Delivery[] = [];
  const waiting = new Set<() => void>();
  const events = (): Envelope[] => deliveries.flatMap((delivery) => delivery.events);
  const ids = (): string[] => events().map((event) => event.id);

  async function until(what: string, isMet: () => boolean, timeoutMs = 30_000): Promise<void> {
    if (isMet()) return;
    let timer: NodeJS.Timeout | undefined;
    let check = (): void => {};
    try {
      await new Promise<void>((resolve, reject) => {
        timer = setTimeout(
          () => reject(new Error(`not within ${timeoutMs} ms: ${what}; so far ${ids().slice(-20).join(", ")}`)),
          timeoutMs,
        );
        check = () => isMet() && resolve();
        waiting.add(check);
      });
    } finally {
      clearTimeout(timer);
      waiting.delete(check);
    }
  }
  return {
    deliveries,
    events,
    ids,
    until,
    /** The handler: notes the delivery. */
    async note(delivery: Delivery): Promise<void> {
      deliveries.push(delivery);
      for (const check of [...waiting]) check();
    },
    /** Has every one of these come at least once? */
    all: (wanted: readonly OutgoingEvent[], timeoutMs?: number) =>
      until(
        `all of ${wanted.length} events`,
        () => {
          const seen = new Set(ids());
          return wanted.every((event) => seen.has(event.id));
        },
        timeoutMs,
      ),
  };
}

/** A promise with its ends outside. */
export function latch<T = void>(): { open: (value: T) => void; opened: Promise<T> } {
  let open!: (value: T) => void;
  const opened = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

/** For each incident, the numbers in the order in which they first came. */
export function firstSeenByKey(events: readonly Envelope[]): Map<string, string[]> {
  const byKey = new Map<string, string[]>();
  for (const event of events) {
    const { incidentId, text } = event.data as { incidentId: string; text: string };
    const seen = byKey.get(incidentId) ?? [];
    if (!seen.includes(text)) seen.push(text);
    byKey.set(incidentId, seen);
  }
  return byKey;
}
