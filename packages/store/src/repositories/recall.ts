// The memory of past incidents. An embedding is a list of numbers of length 1, so that the product of two says how alike they are.
import type { Cause, IncidentSummary } from "@tocsin/contracts";
import type { Queryable } from "@tocsin/runtime";
import { HAS_VECTOR } from "../vector-extension.ts";
import { SUMMARY, type SummaryRow, summaryOf } from "./incident-views.ts";

/** Numbers of an embedding. */
export const EMBEDDING_DIMENSIONS = 256;
/** In plain SQL every remembered incident is compared: the latest so many. */
const EXACT_LIMIT = 5_000;
/** More candidates are taken from the index than are asked for, since some fall away afterwards. */
const CANDIDATES = 60;

/** What an incident is remembered by. */
export interface IncidentTrace {
  readonly embedding: readonly number[];
  /** Structured features in words: `alert:HighErrors`, `service:payments`, `cause:payments:resource`. */
  readonly marks: readonly string[];
}

/** What was done in a past incident and what came of it. */
interface RememberedRun {
  readonly runbook: string;
  readonly title: string;
  readonly state: string;
}

/** A past incident that is like the one asked about. */
export interface RememberedIncident {
  readonly incident: IncidentSummary;
  /** 0 to 1. */
  readonly similarity: number;
  readonly marks: readonly string[];
  /** Its first cause as it was found; absent when none was singled out. */
  readonly cause?: Pick<Cause, "service" | "kind">;
  readonly runs: readonly RememberedRun[];
  /** What a person said of the cause: right or not. */
  readonly wasRight?: boolean;
}

/** Remembers what an incident is like; a later round says it anew. */
export async function rememberIncident(tx: Queryable, incidentId: string, trace: IncidentTrace, at: string): Promise<void> {
  await tx.query(
    `INSERT INTO incident_memory (incident_id, embedding, marks, at) VALUES ($1, $2::real[], $3::text[], $4)
     ON CONFLICT (incident_id) DO UPDATE SET embedding = EXCLUDED.embedding, marks = EXCLUDED.marks, at = EXCLUDED.at`,
    [incidentId, trace.embedding, trace.marks, at],
  );
}

type Row = SummaryRow & {
  similarity: number;
  marks: string[];
  remembered: Pick<Cause, "service" | "kind"> | null;
  runs: RememberedRun[] | null;
  wasRight: boolean | null;
};

/**
 * Past incidents like the given one, the most alike first: those that have ended or were handed over, of its own scope.
 *
 * @returns also how they were compared: by pgvector's index, or exactly in SQL over the latest 5,000
 */
export async function recallIncidents(
  on: Queryable,
  asking: { readonly incidentId: string; readonly embedding: readonly number[]; readonly leastSimilarity: number; readonly limit: number },
): Promise<{ readonly items: readonly RememberedIncident[]; readonly by: "pgvector" | "exact" }> {
  const { rows: here } = await on.query<{ there: boolean }>(`SELECT ${HAS_VECTOR} AS there`);
  const by = here[0]?.there ? "pgvector" : "exact";
  const near =
    by === "pgvector"
      ? `SELECT incident_id, 1 - (embedding::vector(${EMBEDDING_DIMENSIONS}) <=> $1::real[]::vector(${EMBEDDING_DIMENSIONS})) AS similarity, marks
           FROM incident_memory
          ORDER BY embedding::vector(${EMBEDDING_DIMENSIONS}) <=> $1::real[]::vector(${EMBEDDING_DIMENSIONS}) LIMIT ${CANDIDATES}`
      : `SELECT incident_id, similarity, marks
           FROM (SELECT incident_id, marks, (SELECT sum(a * b) FROM unnest(embedding, $1::real[]) AS pair(a, b)) AS similarity
                   FROM (SELECT * FROM incident_memory ORDER BY at DESC, incident_id LIMIT ${EXACT_LIMIT}) latest) compared
          ORDER BY similarity DESC LIMIT ${CANDIDATES}`;
  const { rows } = await on.query<Row>(
    `WITH near AS (${near})
     SELECT ${SUMMARY}, n.similarity::float8 AS similarity, n.marks, f.is_right AS "wasRight",
            CASE WHEN i.verdict = 'cause' THEN i.diagnosis->'causes'->0 END AS remembered,
            (SELECT jsonb_agg(jsonb_build_object('runbook', r.runbook, 'title', r.title, 'state', r.state) ORDER BY r.requested_at)
               FROM runs r WHERE r.incident_id = i.id) AS runs
       FROM near n JOIN incidents i ON i.id = n.incident_id LEFT JOIN feedback f ON f.incident_id = i.id
      WHERE i.id <> $2 AND i.merged_into IS NULL AND i.state IN ('resolved', 'closed', 'escalated') AND n.similarity >= $3
        AND i.scope = (SELECT scope FROM incidents WHERE id = $2)
      ORDER BY n.similarity DESC, i.started_at DESC, i.id LIMIT $4`,
    [asking.embedding, asking.incidentId, asking.leastSimilarity, asking.limit],
  );
  return {
    by,
    items: rows.map((row) => ({
      incident: summaryOf(row),
      similarity: Math.min(1, Math.max(0, row.similarity)),
      marks: row.marks,
      ...(row.remembered === null ? {} : { cause: { service: row.remembered.service, kind: row.remembered.kind } }),
      runs: row.runs ?? [],
      ...(row.wasRight === null ? {} : { wasRight: row.wasRight }),
    })),
  };
}

/** Keeps what a round remembered, once. */
export async function saveRecall(tx: Queryable, incidentId: string, round: number, recall: unknown): Promise<void> {
  await tx.query("UPDATE investigations SET recall = $3::jsonb WHERE incident_id = $1 AND round = $2 AND recall IS NULL", [
    incidentId,
    round,
    JSON.stringify(recall),
  ]);
}
