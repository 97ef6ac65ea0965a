// Past incidents like one, as a person asks for them: worked out anew, since those that were open then may have ended meanwhile.
import { LEAST_SIMILARITY, recallOf, traceOf } from "@tocsin/diagnosis";
import type { Queryable } from "@tocsin/runtime";
import { EMBEDDING_DIMENSIONS, recallIncidents, viewIncident } from "@tocsin/store";
import type * as z from "zod";
import type { SimilarView } from "./views.ts";

const MAX_ALIKE = 8;

/** What is remembered that is like the incident, or undefined when there is none of this id. */
export async function similarTo(sql: Queryable, id: string): Promise<z.input<typeof SimilarView> | undefined> {
  const incident = await viewIncident(sql, id);
  if (incident === undefined) return undefined;
  const trace = traceOf({ members: incident.members, evidence: incident.evidence ?? [], cause: incident.cause }, EMBEDDING_DIMENSIONS);
  if (trace === undefined) return { items: [], fixes: [], text: recallOf([], []).text, by: "exact" };
  const { items, by } = await recallIncidents(sql, {
    incidentId: id,
    embedding: trace.embedding,
    leastSimilarity: LEAST_SIMILARITY,
    limit: MAX_ALIKE,
  });
  const past = items.map(({ incident: { id: pastId, title, startedAt, state }, ...rest }) => ({
    ...rest,
    id: pastId,
    title,
    startedAt,
    state,
  }));
  const { alike, hypothesis, fixes, text } = recallOf(trace.marks, past);
  return {
    items: items.map((item, index) => {
      const helped = item.runs.findLast((run) => run.state === "succeeded")?.title;
      return {
        incident: item.incident,
        similarity: alike[index]?.similarity ?? item.similarity,
        reasons: alike[index]?.reasons ?? [],
        ...(helped === undefined ? {} : { helped }),
      };
    }),
    ...(hypothesis === undefined ? {} : { hypothesis }),
    fixes,
    text,
    by,
  };
}
