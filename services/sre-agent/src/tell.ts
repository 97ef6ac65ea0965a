import type { Diagnosis } from "@tocsin/contracts";
import { isoTime } from "@tocsin/runtime";
import { diagnosisOf, incidentWork, latestInvestigation, saveNarration, viewIncident } from "@tocsin/store";
import { consult } from "./advice/consult.ts";
import { type Facts, factsOf } from "./advice/facts.ts";
import { NarrationAnswer, narrationOf, narrationSection } from "./advice/narration.ts";
import { standingOf } from "./advice/standing.ts";
import { subjectOf } from "./nodes/reason.ts";
import type { Outcome, RoundFindings } from "./outcome.ts";
import { type AgentDeps, type Round, say } from "./round.ts";

/**
 * The job: puts a finished round into words for people. Nothing waits for it and nothing reads it back; when no sentence stands the check, the
 * text from templates stays alone.
 */
export async function tell(deps: AgentDeps, incidentId: string, roundNumber: number, signal?: AbortSignal): Promise<void> {
  const { advice, store, config, clock } = deps;
  if (!advice?.adviser.isConfigured) return;
  const row = await latestInvestigation<RoundFindings, Outcome>(store.sql, incidentId);
  if (row?.round !== roundNumber || row.narration !== undefined) return;
  const incident = await viewIncident(store.sql, incidentId);
  const diagnosis = await diagnosisOf(store.sql, incidentId);
  const work = await incidentWork(store.sql, incidentId);
  if (!incident || !diagnosis || !work || diagnosis.evidence.length === 0) return;
  const facts: Facts = factsOf(diagnosis, [], standingOf(incident, row.outcome));
  const consulted = await consult(
    advice.adviser,
    {
      callId: `${incidentId}:${roundNumber}:narrate`,
      incidentId,
      tenant: work.scope,
      severity: incident.severity,
      subject: subjectOf("narrate", work.scope, diagnosis as Diagnosis),
    },
    {
      prompt: advice.prompts.narrate,
      facts,
      shape: NarrationAnswer,
      deadlineMs: config.narrateTimeoutSeconds * 1_000,
      ...(signal === undefined ? {} : { signal }),
    },
  );
  await deps.failpoint?.("tell:answered");
  const now = clock.now();
  // Its own numbers, away from those of the round itself.
  const round: Round = { incidentId, round: roundNumber, fence: 0 };
  const FIRST = 100;
  if (consulted.kind === "skipped") {
    await store.sql.transaction((tx) =>
      say(deps, round, tx, [{ phase: "narrate", kind: "skipped", text: sentence(consulted.text), model: consulted.model }], FIRST),
    );
    return;
  }
  const { narration, dropped } = narrationOf(consulted.value, facts, consulted.model, isoTime(now));
  deps.metrics.sentences(narration?.sentences.length ?? 0, dropped);
  const lost =
    dropped.length === 0
      ? ""
      : ` ${dropped.length} of its sentences did not stand the check and were dropped (${[...new Set(dropped)].sort().join(", ")}).`;
  const text = narration ? `A model put it into words: ${narration.short}${lost}` : `Nothing that a model wrote stood the check.${lost}`;
  await store.sql.transaction(async (tx) => {
    if (narration) await saveNarration(tx, incidentId, roundNumber, narration, narrationSection(narration));
    await say(
      deps,
      round,
      tx,
      [
        {
          phase: "narrate",
          kind: narration ? "told" : "dropped",
          text,
          evidence: narration?.sentences[0]?.evidence ?? [],
          model: consulted.model,
        },
      ],
      FIRST,
    );
  });
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith(".") ? "" : "."}`;
