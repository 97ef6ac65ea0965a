import { duration } from "@tocsin/diagnosis";
import { isoTime } from "@tocsin/runtime";
import { earlierIncidents, latestInvestigation, saveGathered, viewIncident } from "@tocsin/store";
import { incidentUnknown } from "../errors.ts";
import { type Gathered, gatherSignals } from "../gathering.ts";
import { type AgentDeps, type Round, type Saying, say, writing } from "../round.ts";

/** Rates and ratios are taken over a while: they show an incident for so long after its end, in seconds. */
const SETTLING_SECONDS = 15;
/** And for so long before its first alert. */
const BEFORE_ALERT_SECONDS = 30;

/** Asks every source about the incident and keeps the answers with the round. */
export const gatherNode = (deps: AgentDeps, round: Round) => async (): Promise<void> => {
  const { store, signals, config, clock } = deps;
  const known = await latestInvestigation(store.sql, round.incidentId);
  if (known?.round === round.round && known.hasGathered) return;
  const incident = await viewIncident(store.sql, round.incidentId);
  if (!incident) throw incidentUnknown(round.incidentId);
  await writing(deps, round, (tx) =>
    say(deps, round, tx, [{ phase: "gather", kind: "started", text: startText(incident.members.length, incident.title) }]),
  );
  await deps.failpoint?.("gather:started");
  const nowSeconds = Math.floor(clock.now() / 1_000);
  const options = { ...config, timeoutMs: config.gatherTimeoutSeconds * 1_000 };
  const reach = isoTime((Date.parse(incident.startedAt) / 1_000 - config.baselineSeconds - config.leadSeconds) * 1_000);
  const earlier = await earlierIncidents(store.sql, incident.scope, reach, incident.startedAt);
  const over = earlier.map(({ startedAt, endedAt }) => ({
    from: Date.parse(startedAt) / 1_000 - BEFORE_ALERT_SECONDS,
    to: Date.parse(endedAt) / 1_000 + SETTLING_SECONDS,
    overAt: Date.parse(endedAt) / 1_000,
  }));
  const gathered = await gatherSignals(signals, incident.members, nowSeconds, options, over);
  await deps.failpoint?.("gather:fetched");
  await writing(deps, round, async (tx) => {
    await saveGathered(tx, round.incidentId, round.round, gathered);
    await say(deps, round, tx, summary(gathered), 2);
  });
  await deps.failpoint?.("gather:saved");
};

const startText = (members: number, title: string): string =>
  `Looking into "${title}" with ${members} ${members === 1 ? "alert" : "alerts"}: metrics, logs, traces, changes and topology.`;

function summary(gathered: Gathered): Saying[] {
  const { window, series, rules = [], logs, spans, changes, topology, missing } = gathered;
  const services = new Set(series.map((one) => one.service)).size;
  const changed = changes.length === 0 ? "no change" : `${changes.length} ${changes.length === 1 ? "change" : "changes"}`;
  const text =
    `Read ${series.length} signals of ${services} services, ${rules.length} series of the alerts' own expressions, ${logs.length} log lines, ${spans.length} notable spans and ${changed} ` +
    `over ${duration(window.to - window.from)}; ${topology.services.length} services in the topology. What lies before ` +
    `${new Date(window.splitAt * 1_000).toISOString().slice(11, 19)} is the baseline.`;
  const sayings: Saying[] = [{ phase: "gather", kind: "gathered", text }];
  if (missing.length > 0) sayings.push({ phase: "gather", kind: "missing", text: `Not all sources answered: ${missing.join("; ")}.` });
  return sayings;
}
