// What this process holds of each scope. The store has the truth: a set is used only under the revision at which it was loaded or last
// written, and thrown away when a transaction fails.
import {
  type CorrelationConfig,
  createWorkingSet,
  forgetIncident,
  type Graph,
  relocate,
  restoreAlert,
  restoreIncident,
  restorePair,
  restorePersonDecision,
  type WorkingSet,
} from "@tocsin/correlation";
import type { Queryable } from "@tocsin/runtime";
import { findAlerts, incidentStates, type LiveMemberRow, liveIncidents, liveMembers, personDecisions, readPairs } from "@tocsin/store";

interface Held {
  readonly set: WorkingSet;
  revision: number;
  sweptAt: number;
}

export interface WorkingSets {
  /** The sets of the scopes as the store has them, with every alert of `alerts` that it knows. Call it under the scopes' locks. */
  ready(
    tx: Queryable,
    scopes: ReadonlyMap<string, number>,
    alerts: readonly { readonly scope: string; readonly fingerprint: string }[],
  ): Promise<ReadonlyMap<string, WorkingSet>>;
  /** After the commit: what was held under a revision is now held under the next. */
  committed(scopes: ReadonlyMap<string, number>): void;
  drop(scopes: Iterable<string>): void;
  size(): { incidents: number; alerts: number };
}

/** Pairs kept in memory for a scope; the latest first. */
const MAX_PAIRS = 20_000;
/** How often incidents that others closed are looked for, in milliseconds. */
const SWEEP_MS = 30_000;
/** Alerts beyond the members of live incidents that a set may keep. */
const MAX_STRAYS = 10_000;

export function createWorkingSets(options: {
  readonly config: CorrelationConfig;
  readonly graph: () => Graph;
  readonly now: () => number;
  readonly onReload: (reason: "first" | "stale") => void;
}): WorkingSets {
  const { config, graph, now, onReload } = options;
  const held = new Map<string, Held>();

  async function load(tx: Queryable, scopes: readonly string[], revisions: ReadonlyMap<string, number>): Promise<void> {
    const incidents = await liveIncidents(tx, scopes);
    const membersOf = new Map<string, LiveMemberRow[]>();
    for (const member of await liveMembers(tx, scopes)) {
      const list = membersOf.get(member.incidentId as string);
      if (list) list.push(member);
      else membersOf.set(member.incidentId as string, [member]);
    }
    for (const scope of scopes) {
      const set = createWorkingSet(scope, graph());
      for (const pair of await readPairs(tx, scope, MAX_PAIRS)) restorePair(set.pairs, pair, config.pairMinimum);
      held.set(scope, { set, revision: revisions.get(scope) as number, sweptAt: now() });
    }
    for (const incident of incidents) restoreIncident((held.get(incident.scope) as Held).set, incident, membersOf.get(incident.id) ?? []);
    for (const { scope, kind, incidentId, otherIncidentId } of await personDecisions(tx, scopes))
      restorePersonDecision((held.get(scope) as Held).set, kind, incidentId, otherIncidentId);
  }

  /** Takes over how far others have moved the incidents; forgets what they closed and what belongs to nothing any more. */
  async function sweep(tx: Queryable, each: Held): Promise<void> {
    if (now() - each.sweptAt < SWEEP_MS) return;
    each.sweptAt = now();
    const { set } = each;
    for (const { id, state } of await incidentStates(tx, [...set.incidents.keys()])) {
      const incident = set.incidents.get(id);
      if (incident === undefined) continue;
      if (state === "closed") forgetIncident(set, incident);
      else incident.state = state;
    }
    let members = 0;
    for (const incident of set.incidents.values()) members += incident.members.size;
    if (set.alerts.size - members <= MAX_STRAYS) return;
    for (const [fingerprint, alert] of set.alerts)
      if (alert.incidentId === undefined || !set.incidents.has(alert.incidentId)) set.alerts.delete(fingerprint);
  }

  return {
    async ready(tx, revisions, alerts) {
      const missing: string[] = [];
      for (const [scope, revision] of revisions) {
        const known = held.get(scope);
        if (known?.revision === revision) continue;
        onReload(known === undefined ? "first" : "stale");
        missing.push(scope);
      }
      if (missing.length > 0) await load(tx, missing, revisions);
      for (const scope of revisions.keys()) {
        const each = held.get(scope) as Held;
        await sweep(tx, each);
        if (each.set.graph !== graph()) relocate(each.set, graph());
      }
      const unknown = alerts.filter(({ scope, fingerprint }) => !(held.get(scope) as Held).set.alerts.has(fingerprint));
      for (const row of await findAlerts(tx, unknown)) {
        const { set } = held.get(row.scope) as Held;
        if (!set.alerts.has(row.fingerprint)) restoreAlert(set, row);
      }
      return new Map([...revisions.keys()].map((scope) => [scope, (held.get(scope) as Held).set]));
    },
    committed(revisions) {
      for (const [scope, revision] of revisions) {
        const each = held.get(scope);
        if (each) each.revision = revision + 1;
      }
    },
    drop(scopes) {
      for (const scope of scopes) held.delete(scope);
    },
    size() {
      let [incidents, alerts] = [0, 0];
      for (const { set } of held.values()) {
        incidents += set.incidents.size;
        alerts += set.alerts.size;
      }
      return { incidents, alerts };
    },
  };
}
