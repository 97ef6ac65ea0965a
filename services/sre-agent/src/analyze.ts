// An analysis by hand, of an alert that somebody describes or of a query: the same gathering and the same diagnosis as an incident gets, and
// nothing is kept, asked for or changed.
import type { Cause, Evidence, LabelSet, Member, Narration, Series, Severity } from "@tocsin/contracts";
import { detectAnomaly, diagnose, writeAnalysis } from "@tocsin/diagnosis";
import { digestOf, isoTime } from "@tocsin/runtime";
import { consult } from "./advice/consult.ts";
import { factsOf } from "./advice/facts.ts";
import { NarrationAnswer, narrationOf, narrationSection } from "./advice/narration.ts";
import { analysisEmpty } from "./errors.ts";
import { diagnosisInputOf, gatherSignals } from "./gathering.ts";
import type { AgentDeps } from "./round.ts";

export interface AnalyzeRequest {
  /** PromQL: which of its series are off is where it looks. */
  readonly query?: string | undefined;
  readonly alert?:
    | {
        readonly labels: LabelSet;
        readonly annotations?: LabelSet | undefined;
        readonly severity?: Severity | undefined;
        readonly startsAt?: string | undefined;
      }
    | undefined;
  /** How far back the query is looked at. */
  readonly minutes: number;
  readonly words: boolean;
}

export interface AnalyzeAnswer {
  readonly verdict: "cause" | "inconclusive";
  readonly causes: readonly Cause[];
  readonly evidence: readonly Evidence[];
  readonly missing: readonly string[];
  readonly unsettled?: string;
  readonly series?: readonly { readonly labels: LabelSet; readonly last: number | null; readonly isOff: boolean }[];
  /** Markdown. */
  readonly analysis: string;
  readonly narration?: Narration;
  /** Why there are no words of a model. */
  readonly noModel?: string;
}

const SERVICE_LABELS = ["service", "app", "job"];
const MAX_SERIES = 50;
const MAX_POINTS = 240;
const MAX_MEMBERS = 10;
const GENERIC = {
  bad: "either",
  spreads: "symptom",
  relativeFloor: 0.1,
  absoluteFloor: 0,
  unit: "",
  least: Number.NEGATIVE_INFINITY,
  weight: 1,
  words: "the value",
} as const;

const serviceOf = (labels: LabelSet): string | undefined =>
  SERVICE_LABELS.map((name) => labels[name]).find((value) => value !== undefined && value !== "");

/** @throws AppError `PROMQL_SYNTAX`, `PROMQL_UNSUPPORTED` for a query that is none, `AGENT_ANALYSIS_INVALID` for one that has no series */
export async function analyze(deps: AgentDeps, request: AnalyzeRequest, signal?: AbortSignal): Promise<AnalyzeAnswer> {
  const { signals, config, clock, advice } = deps;
  const nowSeconds = Math.floor(clock.now() / 1_000);
  const about = request.alert
    ? { members: [memberOf(request.alert, nowSeconds)], series: undefined }
    : await aboutQuery(deps, request, nowSeconds);
  const options = { ...config, timeoutMs: config.gatherTimeoutSeconds * 1_000 };
  const gathered = await gatherSignals(signals, about.members, nowSeconds, options, [], signal);
  const mint = (content: string): string => `ev_${digestOf(`analyze|${nowSeconds}|${content}`).slice(7, 27)}`;
  const { diagnosis, details } = diagnose(diagnosisInputOf(gathered, mint));
  const first = about.members[0];
  const analysis = writeAnalysis({
    title: request.alert ? `Analysis of ${first?.name ?? "an alert"}` : "Analysis of a query",
    severity: first?.severity ?? "info",
    startedAt: first?.startsAt ?? isoTime(nowSeconds * 1_000),
    members: about.members,
    diagnosis,
    ruledOut: details.ruledOut,
    runs: [],
    timeline: [],
    verification: [],
    ending: { kind: "open" },
  });
  const told =
    request.words && advice?.adviser.isConfigured && diagnosis.evidence.length > 0
      ? await inWords(deps, diagnosis, digestOf(JSON.stringify([request, Math.floor(nowSeconds / 60)])), signal)
      : {};
  const { narration } = told;
  return {
    verdict: diagnosis.verdict,
    causes: diagnosis.causes,
    evidence: diagnosis.evidence,
    missing: diagnosis.missing,
    ...(diagnosis.unsettled === undefined ? {} : { unsettled: diagnosis.unsettled }),
    ...(about.series === undefined ? {} : { series: about.series }),
    analysis: narration ? `${analysis}${narrationSection(narration)}` : analysis,
    ...told,
  };
}

async function inWords(
  deps: AgentDeps,
  diagnosis: Parameters<typeof factsOf>[0],
  digest: string,
  signal: AbortSignal | undefined,
): Promise<Pick<AnalyzeAnswer, "narration" | "noModel">> {
  const { advice, config, clock } = deps;
  if (!advice) return {};
  const facts = factsOf(diagnosis);
  const consulted = await consult(
    advice.adviser,
    { callId: `analyze:${digest}`, tenant: "default" },
    {
      prompt: advice.prompts.narrate,
      facts,
      shape: NarrationAnswer,
      deadlineMs: config.narrateTimeoutSeconds * 1_000,
      ...(signal === undefined ? {} : { signal }),
    },
  );
  if (consulted.kind === "skipped") return { noModel: consulted.text };
  const { narration, dropped } = narrationOf(consulted.value, facts, consulted.model, isoTime(clock.now()));
  deps.metrics.sentences(narration?.sentences.length ?? 0, dropped);
  return narration ? { narration } : { noModel: "nothing that the model wrote stood the check" };
}

/** Seconds before now that an alert without a time is taken to have begun. */
const RECENT = 60;

function memberOf(alert: NonNullable<AnalyzeRequest["alert"]>, nowSeconds: number): Member {
  const service = serviceOf(alert.labels);
  const startsAt = Math.min(alert.startsAt === undefined ? nowSeconds - RECENT : Date.parse(alert.startsAt) / 1_000, nowSeconds);
  return {
    fingerprint: digestOf(JSON.stringify(Object.entries(alert.labels).sort())).slice(7, 23),
    name: alert.labels["alertname"] ?? "alert",
    ...(service === undefined ? {} : { service }),
    severity: alert.severity ?? "warning",
    labels: alert.labels,
    annotations: alert.annotations ?? {},
    status: "firing",
    startsAt: isoTime(startsAt * 1_000),
    role: "root",
    reasons: [],
  };
}

async function aboutQuery(deps: AgentDeps, { query = "", minutes }: AnalyzeRequest, nowSeconds: number) {
  const window = { from: nowSeconds - minutes * 60, to: nowSeconds + 1 };
  const step = Math.max(deps.config.stepSeconds, Math.ceil((minutes * 60) / MAX_POINTS));
  const { value } = await deps.signals.metrics.queryRange(query, window, step, { deadlineMs: deps.config.gatherTimeoutSeconds * 1_000 });
  if (value.length === 0) throw analysisEmpty(query);
  const splitAt = (window.from + window.to) / 2;
  const seen = value.slice(0, MAX_SERIES).map((series: Series) => {
    const anomaly = detectAnomaly(series.samples, splitAt, GENERIC);
    const last = series.samples.at(-1)?.[1];
    return { labels: series.labels, last: last !== undefined && Number.isFinite(last) ? last : null, anomaly };
  });
  const off = seen.filter(({ anomaly }) => anomaly !== undefined);
  const members = (off.length > 0 ? off : seen).slice(0, MAX_MEMBERS).map(({ labels, anomaly }) =>
    memberOf(
      {
        labels: { alertname: "query", ...labels },
        ...(anomaly === undefined ? {} : { startsAt: isoTime(anomaly.onsetAt * 1_000) }),
      },
      nowSeconds,
    ),
  );
  return { members, series: seen.map(({ labels, last, anomaly }) => ({ labels, last, isOff: anomaly !== undefined })) };
}
