import type { Diagnosis } from "@tocsin/contracts";
import { diagnose } from "@tocsin/diagnosis";
import { inToolSpan, type SpanSubject } from "@tocsin/llm";
import { digestOf, isoTime } from "@tocsin/runtime";
import { diagnosisOf, incidentWork, latestInvestigation, readGathered, saveAdvice, viewIncident } from "@tocsin/store";
import { type Account, consult } from "../advice/consult.ts";
import type { ContrastSource } from "../advice/contrast.ts";
import { liveContrasts } from "../advice/contrast-sources.ts";
import { type Reasoned, reason, type Stored } from "../advice/reason.ts";
import { incidentUnknown, roundIncomplete } from "../errors.ts";
import { evidenceIds } from "../evidence-ids.ts";
import { diagnosisInputOf, type Gathered } from "../gathering.ts";
import { type AgentDeps, type Round, say, writing } from "../round.ts";
import { untilTaken } from "../take-over.ts";

const CONTRAST_DEADLINE_MS = 5_000;

/**
 * Puts the diagnosis to a model and one contrast query to the sources. What comes of it can make a cause less sure, never surer, and is told
 * step by step. Without a model nothing is said and nothing changes.
 */
export const reasonNode = (deps: AgentDeps, round: Round) => async (): Promise<{ advised: boolean }> => {
  const { advice, store, config, clock } = deps;
  if (!advice?.adviser.isConfigured) return { advised: false };
  const { sql } = store;
  const row = await latestInvestigation(sql, round.incidentId);
  const known = row?.round === round.round ? (row.advice as Stored | undefined) : undefined;
  if (known !== undefined) {
    await keep(deps, round, known, known.diagnosis, []);
    return { advised: known.diagnosis !== undefined };
  }
  const incident = await viewIncident(sql, round.incidentId);
  const diagnosis = await diagnosisOf(sql, round.incidentId);
  const work = await incidentWork(sql, round.incidentId);
  if (!incident || !diagnosis || !work) throw incidentUnknown(round.incidentId);
  const gathered = await readGathered<Gathered>(sql, round.incidentId, round.round);
  if (!gathered) throw roundIncomplete(round.incidentId, round.round, "gathered signals");
  const mint = evidenceIds(round);
  const { details } = diagnose(diagnosisInputOf(gathered, mint));
  const account: Account = {
    callId: `${round.incidentId}:${round.round}:hypothesis`,
    incidentId: round.incidentId,
    tenant: work.scope,
    severity: incident.severity,
    subject: subjectOf("hypothesis", work.scope, diagnosis),
  };
  const taken = untilTaken(deps, round, row?.startedAt);
  let reasoned: Reasoned;
  try {
    reasoned = await reason({
      diagnosis,
      ranking: details.ranking,
      topology: gathered.topology,
      window: gathered.window,
      adviseBelow: config.adviseBelow,
      mint,
      ask: async (facts, shape) => {
        const answer = await consult(advice.adviser, account, {
          prompt: advice.prompts.hypothesis,
          facts,
          shape,
          deadlineMs: config.adviseTimeoutSeconds * 1_000,
          signal: taken.signal,
        });
        await deps.failpoint?.("reason:answered");
        return answer;
      },
      source: traced(liveContrasts(deps.signals, config.stepSeconds, CONTRAST_DEADLINE_MS), {
        incidentId: round.incidentId,
        tenant: work.scope,
      }),
    });
  } catch (error) {
    // A person who closed it took the fence: there is nothing more to write. One who acknowledged it gets the diagnosis as it is.
    if (!taken.signal.aborted) throw error;
    round.signal?.throwIfAborted();
    reasoned = {
      stored: { kind: "skipped" },
      sayings: [{ phase: "reason", kind: "skipped", text: "No model: a person has taken it over." }],
    };
  } finally {
    taken.stop();
  }
  await keep(deps, round, reasoned.stored, reasoned.stored.diagnosis, reasoned.sayings);
  await deps.failpoint?.("reason:saved");
  if (reasoned.stored.diagnosis?.verdict !== diagnosis.verdict && reasoned.stored.diagnosis !== undefined)
    deps.log.info({ incidentId: round.incidentId, round: round.round, at: isoTime(clock.now()) }, "cause withdrawn");
  return { advised: reasoned.stored.diagnosis !== undefined };
};

/** Each question to a source is a call of a tool in the trace of the round. */
const traced = (source: ContrastSource, subject: SpanSubject): ContrastSource => ({
  series: (...asked) => inToolSpan("contrast.series", subject, () => source.series(...asked)),
  logs: (...asked) => inToolSpan("contrast.logs", subject, () => source.logs(...asked)),
  edges: (...asked) => inToolSpan("contrast.edges", subject, () => source.edges(...asked)),
});

/** The same causes of the same scope, as sure as before, are the same question. */
export const subjectOf = (what: string, scope: string, diagnosis: Diagnosis): string =>
  `${what}:${digestOf([scope, diagnosis.verdict, ...diagnosis.causes.slice(0, 2).map(({ service, kind }) => `${service}|${kind}`)].join("\n")).slice(7, 27)}`;

const keep = (deps: AgentDeps, round: Round, stored: Stored, diagnosis: Diagnosis | undefined, sayings: Reasoned["sayings"]) =>
  writing(deps, round, async (tx) => {
    await saveAdvice(tx, round.incidentId, round.round, stored, diagnosis, isoTime(deps.clock.now()));
    if (sayings.length > 0) await say(deps, round, tx, sayings);
  });
