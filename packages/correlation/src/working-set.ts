// Terms. The *working set* of a scope is what the engine knows of it: the last known state of each alert, the incidents that are not
// closed, learned pairs, and indexes over them. It is owned by one caller, advanced in place by `correlate`, and can be rebuilt
// from the database at any moment: nothing true lives in it alone.
import type { IncidentState, MemberRole, Severity } from "@tocsin/contracts";
import { createPairs, type PairMemory } from "./cooccurrence.ts";
import { EMPTY_GRAPH, type Graph } from "./graph.ts";
import type { Bearing } from "./signature.ts";

/** The last known state of one alert, by fingerprint. Times are milliseconds since the epoch. */
export interface AlertState {
  readonly fingerprint: string;
  readonly name: string;
  /** As its labels name it. */
  readonly service: string | undefined;
  /** Where it is in the graph, or a name of its own when the topology does not know it; empty when it names no service. */
  node: string;
  severity: Severity;
  readonly bearing: Bearing;
  readonly template: string;
  readonly groupKey: string | undefined;
  readonly namespace: string | undefined;
  /** `kind=value` of each shared-infrastructure label. */
  readonly infrastructure: readonly string[];
  status: "firing" | "resolved";
  startsAt: number;
  endsAt: number | undefined;
  /** Event times of the transitions inside the flapping window; absent until the second one. */
  transitions: number[] | undefined;
  flapping: boolean;
  incidentId: string | undefined;
  /** Why it is in no incident. */
  suppressedBy: string | undefined;
}

/** What the members on one node say together. */
export interface NodeSummary {
  readonly node: string;
  /** The alert that speaks for the node: intrinsic before others, then the earliest. */
  top: AlertState;
  earliest: number;
  count: number;
  /** Nodes of the incident that depend on this one. */
  explains: number;
  /** Nodes of the incident that this one depends on, starved ones not counted. */
  deeper: number;
}

/** An incident that is not closed. */
export interface LiveIncident {
  readonly id: string;
  readonly scope: string;
  state: IncidentState;
  title: string;
  severity: Severity;
  service: string | undefined;
  startedAt: number;
  lastAt: number;
  /** Since when no member fires. */
  recoveredAt: number | undefined;
  firing: number;
  readonly members: Map<string, AlertState>;
  readonly roles: Map<string, MemberRole>;
  readonly nodes: Map<string, NodeSummary>;
  readonly rules: Set<string>;
  readonly templates: Set<string>;
  root: AlertState | undefined;
  /** The root for which the roles were last decided. */
  rolesFor: AlertState | undefined;
  /** Incidents that a person keeps apart from this one. */
  readonly apart: Set<string>;
  /** A person has merged or split it: the engine neither merges nor splits it on its own. */
  decidedByPerson: boolean;
}

/** Incidents by what may lead to them; each list is in order of first membership. */
interface IncidentIndex {
  add(key: string, incident: LiveIncident): void;
  remove(key: string, incident: LiveIncident): void;
  /** The newest incidents under the key, at most {@link INDEX_SCAN}. */
  get(key: string): readonly LiveIncident[];
  has(key: string): boolean;
  keys(): IterableIterator<string>;
  readonly size: number;
}

/** One key never leads to more incidents than this: the cost of an alert does not grow with what is open. */
export const INDEX_SCAN = 8;

/** An incident that was opened lately, by which alert, and the names its text mentions: the culprit may fire after it. */
interface Opener {
  readonly incident: LiveIncident;
  readonly alert: AlertState;
  readonly mentions: ReadonlySet<string>;
}

export interface WorkingSet {
  readonly scope: string;
  readonly alerts: Map<string, AlertState>;
  readonly incidents: Map<string, LiveIncident>;
  readonly byNode: IncidentIndex;
  readonly byInfrastructure: IncidentIndex;
  /** By squeezed name of a member's workload, for texts that mention it. */
  readonly byBase: IncidentIndex;
  /** By rule, of members that name no service. */
  readonly byRule: IncidentIndex;
  /** The alerts that last opened an incident, newest last: what comes after them may show that it belongs to another. */
  readonly openers: Opener[];
  /** The incidents that last got a member, newest last. */
  readonly recent: LiveIncident[];
  /** Resolved alerts that flap: they count as firing until they have been quiet for a while. */
  readonly held: Set<AlertState>;
  readonly pairs: PairMemory;
  /** Every text once: alerts of one rule share it. */
  readonly texts: Map<string, string>;
  graph: Graph;
}

/** Most keys lead to one incident, such as the one of a pod: it stands there itself, a list only where there are more. */
function createIndex(): IncidentIndex {
  const entries = new Map<string, LiveIncident | LiveIncident[]>();
  const NONE: readonly LiveIncident[] = [];
  return {
    add(key, incident) {
      const entry = entries.get(key);
      if (entry === undefined) entries.set(key, incident);
      else if (!Array.isArray(entry)) {
        if (entry !== incident) entries.set(key, [entry, incident]);
      } else if (entry[entry.length - 1] !== incident && !entry.includes(incident, Math.max(0, entry.length - INDEX_SCAN)))
        entry.push(incident);
    },
    remove(key, incident) {
      const entry = entries.get(key);
      if (entry === undefined) return;
      const kept = Array.isArray(entry) ? entry.filter((each) => each !== incident) : entry === incident ? [] : [entry];
      if (kept.length === 0) entries.delete(key);
      else entries.set(key, kept.length === 1 ? (kept[0] as LiveIncident) : kept);
    },
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return NONE;
      if (!Array.isArray(entry)) return [entry];
      return entry.length <= INDEX_SCAN ? entry : entry.slice(-INDEX_SCAN);
    },
    has: (key) => entries.has(key),
    keys: () => entries.keys(),
    get size() {
      return entries.size;
    },
  };
}

export function createWorkingSet(scope: string, graph: Graph = EMPTY_GRAPH): WorkingSet {
  return {
    scope,
    alerts: new Map(),
    incidents: new Map(),
    byNode: createIndex(),
    byInfrastructure: createIndex(),
    byBase: createIndex(),
    byRule: createIndex(),
    openers: [],
    recent: [],
    held: new Set(),
    pairs: createPairs(),
    texts: new Map(),
    graph,
  };
}

/** Kept texts; rules and workloads are few, and what is made up by an attacker must not fill the memory. */
const MAX_TEXTS = 20_000;

/** The same text as one value, so that equal texts take memory once. */
export function shared(set: WorkingSet, text: string): string {
  const known = set.texts.get(text);
  if (known !== undefined) return known;
  if (set.texts.size < MAX_TEXTS) set.texts.set(text, text);
  return text;
}

/** An incident that no alert has joined yet. What its members make of it is counted as they join. */
export const memberlessIncident = (
  known: Pick<LiveIncident, "id" | "scope" | "state" | "title" | "severity" | "service" | "startedAt" | "lastAt">,
): LiveIncident => ({
  ...known,
  recoveredAt: undefined,
  firing: 0,
  members: new Map(),
  roles: new Map(),
  nodes: new Map(),
  rules: new Set(),
  templates: new Set(),
  root: undefined,
  rolesFor: undefined,
  apart: new Set(),
  decidedByPerson: false,
});
