// What has to be true after all faults have ended (invariants I1-I12 of the project's crash-safety promise), checked from what was written
// down outside: by the load generator, by the fleet, by the GitLab stand-in and by a reader of the live stream.
import { readFileSync } from "node:fs";
import { EDGES } from "@tocsin/incident";
import { silentLogger } from "@tocsin/runtime";
import { openStore, verifyJournal } from "@tocsin/store";
import type { Gitlab } from "@tocsin/testkit";
import type { Fleet } from "./fleet.ts";
import type { Load } from "./load.ts";
import type { Parts } from "./parts.ts";
import type { StreamReader } from "./stream-reader.ts";

export interface Witnesses {
  readonly parts: Parts;
  readonly load: Load;
  /** Probes that were sent beside the generator. */
  readonly sentBeside?: readonly string[];
  readonly fleet?: Fleet;
  readonly gitlab?: Gitlab;
  readonly stream?: StreamReader | undefined;
  readonly logFiles: readonly string[];
  /** Texts that must be nowhere. */
  readonly canaries: readonly string[];
}

export interface Judgement {
  readonly figures: Readonly<Record<string, number>>;
  /** Each in words; none is the only good answer. */
  readonly violations: readonly string[];
}

/** States in which nothing more is to come from the services. */
const SETTLED = ["closed", "escalated", "resolved", "awaiting-approval"];

/** What still waits somewhere, by place; empty when everything has come to rest. */
export async function backlog({ parts }: Pick<Witnesses, "parts">): Promise<Readonly<Record<string, number>>> {
  const [row] = await parts.rows<Record<string, number>>(
    `SELECT (SELECT count(*)::int FROM bridge_inbox) AS inbox,
            (SELECT count(*)::int FROM event_log WHERE published_at IS NULL) AS outbox,
            (SELECT count(*)::int FROM incidents WHERE state <> ALL ($1)) AS incidents,
            (SELECT count(*)::int FROM runs WHERE state IN ('requested', 'running')) AS runs`,
    [SETTLED],
  );
  return Object.fromEntries(Object.entries(row ?? {}).filter(([, count]) => count > 0));
}

/** Acknowledged transitions of which the database knows nothing (yet). */
export async function missing({ parts, load }: Pick<Witnesses, "parts" | "load">): Promise<string[]> {
  const rows = await parts.rows<{ key: string }>(
    `SELECT (a.labels->>'probe') || ' ' || t.status AS key FROM alert_transitions t JOIN alerts a USING (scope, fingerprint)`,
  );
  const known = new Set(rows.map(({ key }) => key));
  return acknowledged(load).filter((key) => !known.has(key));
}

export const acknowledged = (load: Load): string[] => [
  ...new Set(load.sent.filter(({ ackedAt }) => ackedAt !== undefined).map(({ probe, status }) => `${probe} ${status}`)),
];

export async function judge(witnesses: Witnesses): Promise<Judgement> {
  const violations: string[] = [];
  const figures: Record<string, number> = {};
  const blame = (invariant: string, culprits: readonly unknown[], what: string) => {
    if (culprits.length > 0) violations.push(`${invariant}: ${culprits.length} ${what}, e.g. ${JSON.stringify(culprits.slice(0, 5))}`);
  };
  await ofAlerts(witnesses, figures, blame);
  await ofIncidents(witnesses, figures, blame);
  await ofActs(witnesses, figures, blame);
  await ofTelling(witnesses, figures, blame);
  return { figures, violations };
}

type Blame = (invariant: string, culprits: readonly unknown[], what: string) => void;

async function ofAlerts({ parts, load, sentBeside = [] }: Witnesses, figures: Record<string, number>, blame: Blame): Promise<void> {
  const acked = acknowledged(load);
  const lost = await missing({ parts, load });
  figures["acknowledged"] = acked.length;
  figures["deliveries"] = load.ackMs.length;
  figures["lost"] = lost.length;
  blame("I1", lost, "acknowledged transitions are not there");
  const rows = await parts.rows<{
    probe: string;
    status: string;
    outcome: string;
    incident: string | null;
    member: boolean;
    reason: string;
  }>(
    `SELECT a.labels->>'probe' AS probe, t.status, t.outcome, t.incident_id AS incident, t.reason,
            EXISTS (SELECT 1 FROM incident_members m JOIN incidents i ON i.id = m.incident_id
                    WHERE m.scope = t.scope AND m.fingerprint = t.fingerprint) AS member
     FROM alert_transitions t JOIN alerts a USING (scope, fingerprint)`,
  );
  const homeless = rows.filter(({ outcome, incident, member }) => outcome === "incident" && (incident === null || !member));
  figures["inNoIncident"] = homeless.length;
  blame("I2", homeless, "transitions are in no incident");
  const held = rows.filter(({ outcome }) => outcome === "suppressed");
  figures["suppressed"] = held.length;
  blame(
    "I2",
    held.filter(({ reason }) => !reason),
    "transitions were suppressed without a reason",
  );
  const sent = new Set([...load.sent.map(({ probe }) => probe), ...sentBeside]);
  blame(
    "I1",
    rows.filter(({ probe }) => !sent.has(probe)),
    "transitions were never sent",
  );
  blame("I2", await parts.rows("SELECT id, code, reason FROM quarantine"), "deliveries were quarantined");
  blame("I2", await parts.rows("SELECT * FROM dead_letters"), "events are dead letters");
}

async function ofIncidents({ parts, gitlab }: Witnesses, figures: Record<string, number>, blame: Blame): Promise<void> {
  const states = await parts.rows<{ state: string; count: number }>("SELECT state, count(*)::int AS count FROM incidents GROUP BY state");
  for (const { state, count } of states) figures[`incidents ${state}`] = count;
  blame(
    "I3",
    await parts.rows(
      `SELECT m.scope, m.fingerprint, array_agg(i.id) AS incidents FROM incident_members m JOIN incidents i ON i.id = m.incident_id
       WHERE i.state <> 'closed' GROUP BY m.scope, m.fingerprint HAVING count(*) > 1`,
    ),
    "alerts are in two open incidents",
  );
  blame(
    "I3",
    await parts.rows(
      `SELECT i.id, i.alert_count, count(m.*)::int AS members FROM incidents i LEFT JOIN incident_members m ON m.incident_id = i.id
       WHERE i.merged_into IS NULL GROUP BY i.id HAVING i.alert_count <> count(m.*)`,
    ),
    "incidents count other members than they have",
  );
  const moves = await parts.rows<{ incident: string; from: string; state: string }>(
    `SELECT incident_id AS incident, data->>'from' AS "from", data->>'state' AS state FROM event_log
     WHERE type = 'dev.tocsin.incident.moved.v1' ORDER BY seq`,
  );
  const at = new Map<string, string>();
  const illegal = moves.filter(({ incident, from, state }) => {
    const before = at.get(incident) ?? "open";
    at.set(incident, state);
    return before !== from || !(EDGES[from as keyof typeof EDGES] as readonly string[]).includes(state);
  });
  figures["moves"] = moves.length;
  blame("I7", illegal, "moves leave the lifecycle's edges");
  const now = await parts.rows<{ id: string; state: string }>("SELECT id, state FROM incidents WHERE merged_into IS NULL");
  blame(
    "I7",
    now.filter(({ id, state }) => (at.get(id) ?? "open") !== state),
    "incidents are in a state that no event tells of",
  );
  blame(
    "I7",
    await parts.rows(
      `SELECT i.id FROM incidents i WHERE i.state = 'closed' AND i.merged_into IS NULL AND NOT EXISTS
         (SELECT 1 FROM event_log e WHERE e.incident_id = i.id AND e.type = 'dev.tocsin.thought.recorded.v1' AND e.data->>'kind' = 'verified')`,
    ),
    "incidents were closed without having been verified",
  );
  if (!gitlab) return;
  const marked = Map.groupBy(gitlab.issues, ({ description }) => /<!-- tocsin:incident:(\S+) -->/.exec(description ?? "")?.[1]);
  figures["issues"] = gitlab.issues.length;
  blame(
    "I3",
    [...marked].filter(([, issues]) => issues.length > 1).map(([id]) => id),
    "incidents have two issues",
  );
}

async function ofActs({ parts, fleet }: Witnesses, figures: Record<string, number>, blame: Blame): Promise<void> {
  const runs = await parts.rows<{ id: string; incident: string; state: string }>("SELECT id, incident_id AS incident, state FROM runs");
  for (const { state } of runs) figures[`runs ${state}`] = (figures[`runs ${state}`] ?? 0) + 1;
  const store = await openStore({ url: parts.env["TOCSIN_STORE_URL"] as string, log: silentLogger });
  const verdict = await verifyJournal(store.sql);
  await store.close();
  figures["journal"] = verdict.kind === "intact" ? verdict.head.seq : -1;
  blame("I5", verdict.kind === "intact" ? [] : [verdict], "break in the journal's chain");
  if (!fleet) return;
  figures["acts"] = fleet.acts.length;
  figures["actsAskedForAgain"] = fleet.repeats.length;
  const begins = new Map(
    (
      await parts.rows<{ operation: string; at: Date }>(
        "SELECT body->>'operationId' AS operation, at FROM journal WHERE action IN ('step.begin', 'undo.begin')",
      )
    ).map(({ operation, at }) => [operation, at.getTime()]),
  );
  blame(
    "I5",
    fleet.acts.filter(({ operationId, startedAt }) => !((begins.get(operationId) ?? Number.POSITIVE_INFINITY) <= startedAt)),
    "acts were not in the journal before they happened",
  );
  const byOperation = Map.groupBy(fleet.acts, ({ operationId }) => operationId);
  blame(
    "I4",
    [...byOperation].filter(([, acts]) => acts.length > 1).map(([id]) => id),
    "operations were done twice",
  );
  // A restart is not idempotent: what may have happened once must not happen again for the same incident.
  const incidentOf = new Map(runs.map(({ id, incident }) => [id, incident]));
  const byStep = Map.groupBy(
    fleet.acts,
    ({ operationId, target, verb }) => `${incidentOf.get(operationId.split(":")[0] ?? "")} ${verb} ${target}`,
  );
  blame(
    "I4",
    [...byStep].filter(([, acts]) => acts.length > 1).map(([step]) => step),
    "restarts were done twice for one incident",
  );
  const overlapping = fleet.acts.filter((one) =>
    fleet.acts.some(
      (other) =>
        other !== one &&
        other.target === one.target &&
        other.startedAt < (one.finishedAt ?? Date.now()) &&
        other.startedAt >= one.startedAt,
    ),
  );
  blame("I6", overlapping, "acts on one target overlap");
}

async function ofTelling({ parts, stream, logFiles, canaries }: Witnesses, figures: Record<string, number>, blame: Blame): Promise<void> {
  blame(
    "I2",
    await parts.rows("SELECT seq, id, publish_error FROM event_log WHERE publish_error IS NOT NULL"),
    "events were refused by the bus",
  );
  for (const canary of canaries) {
    blame(
      "I8",
      logFiles.filter((file) => readFileSync(file, "utf8").includes(canary)),
      "logs hold a secret",
    );
    for (const table of ["event_log", "journal", "incidents", "alerts", "quarantine", "runs", "run_steps", "evidence", "tickets"])
      blame(
        "I8",
        await parts.rows(`SELECT '${table}' AS "table" FROM ${table} t WHERE t::text LIKE '%' || $1 || '%' LIMIT 1`, [canary]),
        "tables hold a secret",
      );
  }
  if (!stream) return;
  const first = stream.ids[0] ?? 0;
  const told = await parts.rows<{ seq: string }>(
    "SELECT seq FROM event_log WHERE seq >= $1 AND topic IN ('sre-events', 'agent-thoughts', 'agent-actions') ORDER BY seq",
    [first],
  );
  const seen = new Set(stream.ids);
  figures["streamed"] = seen.size;
  figures["streamConnections"] = stream.connections;
  blame(
    "I12",
    told.filter(({ seq }) => !seen.has(Number(seq))),
    "events never reached a reader of the live stream",
  );
}
