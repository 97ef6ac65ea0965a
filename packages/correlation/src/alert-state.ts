import type { Alert } from "@tocsin/contracts";
import { INFRASTRUCTURE_LABELS, type InfrastructureKind } from "./config.ts";
import { bearingOf, templateOf } from "./signature.ts";
import { type AlertState, shared, type WorkingSet } from "./working-set.ts";
import { nodeOf, subjectOf } from "./workload.ts";

/** Clocks before this are wrong; the alert counts from when it was received. */
const EARLIEST = Date.parse("2000-01-01T00:00:00Z");
const MAX_AHEAD_MS = 5 * 60_000;
/** An event time that can be trusted for grouping: what lies before 2000 or in the future counts as received. */
export function trusted(time: number, receivedAt: number): number {
  return Number.isNaN(time) || time < EARLIEST || time > receivedAt + MAX_AHEAD_MS ? receivedAt : time;
}

const SHARED_KINDS = Object.entries(INFRASTRUCTURE_LABELS).filter(([kind]) => kind !== "namespace" && kind !== "cluster") as [
  InfrastructureKind,
  readonly string[],
][];

const NONE: readonly string[] = [];

/** Makes the state of an alert from its message; also used to restore one from the database. */
export function alertStateOf(
  alert: Omit<Alert, "dedupeKey" | "receivedAt" | "scope" | "source">,
  set: WorkingSet,
  receivedAt: number,
): AlertState {
  const own = subjectOf(alert);
  const subject = own === undefined ? undefined : shared(set, own);
  const { labels } = alert;
  let namespace: string | undefined;
  for (const name of INFRASTRUCTURE_LABELS.namespace) namespace ??= labels[name];
  const node = subject === undefined ? "" : nodeOf(subject, namespace, set.graph);
  const fromTopology = node === "" ? undefined : set.graph.labels(node);
  const infrastructure: string[] = [];
  for (const [kind, names] of SHARED_KINDS) {
    for (const name of names) {
      const value = labels[name] ?? fromTopology?.[name];
      if (value) {
        // Joined, not concatenated: V8 would keep the parts beside the whole.
        infrastructure.push(shared(set, [kind, value].join("=")));
        break;
      }
    }
  }
  const startsAt = trusted(Date.parse(alert.startsAt), receivedAt);
  return {
    fingerprint: alert.fingerprint,
    name: shared(set, alert.name),
    service: subject,
    node,
    severity: alert.severity,
    bearing: bearingOf(alert.name),
    template: shared(set, templateOf(alert.annotations, labels)),
    groupKey: alert.groupKey === undefined ? undefined : shared(set, alert.groupKey),
    namespace: namespace === undefined ? undefined : shared(set, namespace),
    // Cut to its length: an array that grew keeps room for many more, and there is one for each alert.
    infrastructure: infrastructure.length === 0 ? NONE : infrastructure.slice(),
    status: alert.status,
    startsAt,
    endsAt:
      alert.status === "resolved" ? trusted(alert.endsAt === undefined ? Number.NaN : Date.parse(alert.endsAt), receivedAt) : undefined,
    transitions: undefined,
    flapping: false,
    incidentId: undefined,
    suppressedBy: undefined,
  };
}
