import { ACTING_VERBS } from "@tocsin/contracts";
import { statesBefore } from "@tocsin/incident";
import { isoTime, messageOf, type Queryable } from "@tocsin/runtime";
import {
  appendEvents,
  claimIncident,
  findRun,
  type InvestigationRow,
  incidentWork,
  insertInvestigation,
  latestInvestigation,
  moveIncident,
  saveAnalysis,
  saveVerification,
  stepsOfRun,
} from "@tocsin/store";
import { isTakenOver } from "./graph.ts";
import { beginRound } from "./investigate.ts";
import { sendConclude, sendInvestigate } from "./jobs.ts";
import { type NextStep, nextStep, type Standing } from "./next-step.ts";
import type { Outcome, RoundFindings } from "./outcome.ts";
import { type AgentDeps, type Round, SOURCE, thoughts, writing } from "./round.ts";
import { judgeWatch, type WatchResult } from "./watch.ts";
import { analysisOf } from "./written.ts";

type Row = InvestigationRow<RoundFindings, Outcome>;

/** The job: looks how an incident stands, takes the next step, and says when to look again. Never waits itself. */
export async function conclude(deps: AgentDeps, incidentId: string): Promise<void> {
  const { sql, jobs } = deps.store;
  const incident = await incidentWork(sql, incidentId);
  if (!incident) return;
  const row = await latestInvestigation<RoundFindings, Outcome>(sql, incidentId);
  const watched = incident.state === "verifying" ? await look(deps, row) : [];
  const run = row?.outcome?.kind === "run" ? await findRun(sql, row.outcome.runId) : undefined;
  const standing: Standing = {
    state: incident.state,
    recoveredAtMs: incident.recoveredAt === undefined ? undefined : Date.parse(incident.recoveredAt),
    resolvedAtMs: incident.resolvedAt === undefined ? undefined : Date.parse(incident.resolvedAt),
    round: row?.round ?? 0,
    isInvestigating: row !== undefined && row.finishedAt === undefined,
    run: run && {
      state: run.state,
      runbook: run.runbook,
      ...(run.reason === undefined ? {} : { reason: run.reason }),
      ...(run.state === "succeeded" ? await whatItLooked(sql, run.id) : {}),
    },
    verifySinceMs: row?.verifySince === undefined ? undefined : Date.parse(row.verifySince),
    healthySinceMs: row?.healthySince === undefined ? undefined : Date.parse(row.healthySince),
    isHealthy: watched.every((each) => each.isBack),
    notBack: watched.filter((each) => !each.isBack).map((each) => each.text),
    nowMs: deps.clock.now(),
  };
  const step = nextStep(standing, deps.config);
  if (step.kind === "nothing") return;
  if (step.kind === "wait") return sql.transaction((tx) => sendConclude(jobs, tx, incidentId, step.seconds));
  const round: Round = { incidentId, round: Math.max(1, row?.round ?? 1), fence: await claimIncident(sql, incidentId) };
  await deps.failpoint?.(`conclude:${step.kind}`);
  try {
    await take(deps, round, step, row, watched);
  } catch (error) {
    if (!isTakenOver(error)) throw error;
    deps.log.info({ incidentId, step: step.kind }, "taken over by another worker");
  }
}

const MAX_FOUND = 1_500;

/** What the steps of a run found that acted on nothing; nothing when one of them acted. */
async function whatItLooked(sql: Queryable, runId: string): Promise<{ readonly looked?: string }> {
  const steps = await stepsOfRun(sql, runId);
  if (steps.length === 0 || steps.some((step) => ACTING_VERBS.includes(step.verb))) return {};
  const found = steps.map((step) => `${step.stepId}: ${lastLines(step.output ?? "nothing")}`);
  return { looked: found.join("\n").slice(0, MAX_FOUND) };
}

const lastLines = (text: string): string => text.trim().split("\n").slice(-4).join("\n").slice(-500);

/** Asks for every watched signal's value now. A source that fails as a whole holds nothing against the service. */
async function look(deps: AgentDeps, row: Row | undefined): Promise<WatchResult[]> {
  return Promise.all(
    (row?.findings?.watches ?? []).map(async (watch) => {
      try {
        const { value, partial } = await deps.signals.metrics.current(watch.service, watch.signal, { deadlineMs: 5_000 });
        return judgeWatch(watch, value, partial.length === 0);
      } catch (error) {
        deps.log.warn({ err: error, reason: messageOf(error), service: watch.service, signal: watch.signal }, "signal not read");
        return judgeWatch(watch, undefined, false);
      }
    }),
  );
}

async function take(
  deps: AgentDeps,
  round: Round,
  step: Exclude<NextStep, { kind: "nothing" | "wait" }>,
  row: Row | undefined,
  watched: readonly WatchResult[],
): Promise<void> {
  const { jobs } = deps.store;
  const { incidentId } = round;
  const nowMs = deps.clock.now();
  const at = isoTime(nowMs);
  const moveTo = (tx: Queryable, to: "verifying" | "resolved" | "closed" | "escalated", text: string) =>
    moveIncident(tx, {
      incidentId,
      to,
      from: statesBefore(to),
      text,
      source: SOURCE,
      eventId: `${incidentId}:${round.round}:${to}${to === "closed" ? "" : `:${row?.verifySince ?? ""}`}`,
      nowMs,
    });
  const tell = (tx: Queryable, phase: "verify" | "close", kind: string, text: string) =>
    appendEvents(
      tx,
      thoughts(round, [{ phase, kind, text }], nowMs).map((event) => ({
        ...event,
        id: `${incidentId}:${round.round}:${phase}:${kind}:${row?.verifySince ?? ""}`,
      })),
    );

  switch (step.kind) {
    case "verify":
      await writing(deps, round, async (tx) => {
        // An incident that recovered before its first round has nothing to watch but its alerts; it still needs a place for its verification.
        await insertInvestigation(tx, incidentId, round.round, "it recovered by itself", at);
        await saveVerification(tx, incidentId, round.round, { verifySince: at, healthySince: undefined });
        await sendConclude(jobs, tx, incidentId, deps.config.verifyEverySeconds);
        await tell(tx, "verify", "started", step.text);
        await moveTo(tx, "verifying", step.text);
      });
      return;
    case "observe":
      await writing(deps, round, async (tx) => {
        const healthySince = step.healthySinceMs === undefined ? undefined : isoTime(step.healthySinceMs);
        await saveVerification(tx, incidentId, round.round, { verifySince: row?.verifySince ?? at, healthySince });
        await sendConclude(jobs, tx, incidentId, step.seconds);
        if (healthySince !== undefined && row?.healthySince === undefined) {
          const facts = watched.map((each) => each.text).join("; ");
          await tell(
            tx,
            "verify",
            "healthy",
            `Every alert is resolved${facts === "" ? "" : `; ${facts}`}. Now it has to last ${deps.config.soakSeconds} s.`,
          );
        }
      });
      return;
    case "resolve": {
      const facts = watched.map((each) => each.text);
      const how = row?.outcome?.kind === "run" ? "mitigated" : "recovered";
      const markdown = await analysisOf(deps.store.sql, incidentId, row, { kind: how, text: step.text }, [step.text, ...facts], at);
      await writing(deps, round, async (tx) => {
        await saveAnalysis(tx, incidentId, markdown, at);
        await sendConclude(jobs, tx, incidentId, Math.max(0.1, deps.config.closeAfterSeconds));
        await tell(tx, "verify", "verified", [step.text, ...facts].join(" "));
        await moveTo(tx, "resolved", step.text);
      });
      return;
    }
    case "close": {
      await writing(deps, round, async (tx) => {
        await tell(tx, "close", "closed", `${step.text} Closed with its written analysis.`);
        await moveTo(tx, "closed", step.text);
      });
      const incident = await incidentWork(deps.store.sql, incidentId);
      const seconds = incident ? (nowMs - Date.parse(incident.startedAt)) / 1_000 : 0;
      deps.metrics.closed(row?.outcome?.kind === "run" ? "mitigated" : "recovered", seconds);
      deps.log.info({ incidentId, seconds }, "closed");
      return;
    }
    case "investigate":
      await writing(deps, round, async (tx) => {
        await sendInvestigate(jobs, tx, incidentId, step.reason);
        await beginRound(tx, incidentId, round.round + 1, step.reason, nowMs);
      });
      return;
    case "escalate": {
      const markdown = await analysisOf(
        deps.store.sql,
        incidentId,
        row,
        { kind: "escalated", text: step.text },
        watched.map((each) => each.text),
      );
      await writing(deps, round, async (tx) => {
        await saveAnalysis(tx, incidentId, markdown, at);
        await tell(tx, "close", "escalated", step.text);
        await moveTo(tx, "escalated", step.text);
      });
      deps.metrics.escalated(step.why);
      deps.log.info({ incidentId, why: step.why }, "escalated");
      return;
    }
    default:
      step satisfies never;
  }
}
