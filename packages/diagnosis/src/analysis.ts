// The root-cause analysis as Markdown, from templates alone: what a reader without a model needs, and no word that is not in the record.
import type { CauseKind, Diagnosis, Evidence, Member, RunView, TimelineEntry } from "@tocsin/contracts";
import { duration, listed } from "./figures.ts";
import type { Recall } from "./recall.ts";

/** A run as the analysis tells of it. */
export type AnalysedRun = Pick<RunView, "title" | "runbook" | "state" | "reason" | "parameters">;

/** How it ended: `mitigated` by a run, `recovered` by itself, or `escalated` to a person. */
export type Ending =
  | { readonly kind: "mitigated" | "recovered"; readonly text: string }
  | { readonly kind: "escalated"; readonly text: string }
  | { readonly kind: "open" };

export interface AnalysisInput {
  readonly title: string;
  readonly severity: string;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly members: readonly Pick<Member, "name" | "service" | "severity" | "role" | "startsAt" | "endsAt">[];
  readonly diagnosis?: Diagnosis;
  readonly ruledOut: readonly { readonly service: string; readonly text: string }[];
  /** What earlier incidents suggest; absent before anything was recalled. */
  readonly recall?: Pick<Recall, "alike" | "text">;
  readonly runs: readonly AnalysedRun[];
  /** Facts from the incident's life, in order. */
  readonly timeline: readonly Pick<TimelineEntry, "at" | "text">[];
  /** What a check found when it was verified: one line each. */
  readonly verification: readonly string[];
  readonly ending: Ending;
}

const KIND_TITLE: Readonly<Record<CauseKind, string>> = {
  resource: "it ran out of a resource",
  "code-error": "its own code failed",
  "dependency-latency": "it answered slowly",
  crash: "it crashed",
  change: "it was changed and has failed since",
  saturation: "it was saturated",
  hang: "it was running but did not answer",
  external: "it was troubled from outside",
};

const FOLLOW_UPS: Readonly<Record<CauseKind, readonly string[]>> = {
  resource: ["Find what holds the resource (a heap or CPU profile while it grows), and set a limit and an alert ahead of it."],
  "code-error": ["Add a test for the failing path named above, and fix it."],
  "dependency-latency": ["Give the calls to it a deadline and a fallback, and alert on its own latency rather than on its callers'."],
  crash: ["Keep the last output of the process, and make the start fail loudly on bad configuration before it takes traffic."],
  change: ["Find what the change broke before it is released again, and let the release stop by itself on a rising error ratio."],
  saturation: ["Size the pool or the queue by measured load, and shed what it cannot hold."],
  hang: ["Add a liveness check that asks the service to do something, so that a process that hangs is restarted in seconds."],
  external: ["Agree with the owner of the traffic on limits, and reject what exceeds them at the edge."],
};

const MAX_TIMELINE = 40;

/** Pure: the analysis as Markdown. Text that anybody may have written (alert names, log lines) is quoted as code, so it formats nothing. */
export function writeAnalysis(input: AnalysisInput): string {
  const sections = [
    `# ${quiet(input.title)}`,
    section("Summary", summary(input)),
    section("Impact", impact(input)),
    section("Cause", cause(input)),
    section("Ruled out", ruledOut(input)),
    section("Seen before", seenBefore(input)),
    section("Actions", actions(input)),
    section("Verification", input.verification.map((line) => `- ${quiet(line)}`).join("\n")),
    section("Timeline", timeline(input)),
    section("Follow-ups", followUps(input)),
  ];
  return `${sections.filter((text) => text !== "").join("\n\n")}\n`;
}

const section = (title: string, body: string): string => (body === "" ? "" : `## ${title}\n\n${body}`);

/** Takes from a text what would format, mention or link: it stays readable and does nothing. */
const quiet = (text: string): string => text.replace(/[\r\n]+/g, " ").replace(/[\\`*_[\]<>#@~|]/g, (mark) => `\\${mark}`);

function summary({ diagnosis, ending, severity, startedAt, endedAt }: AnalysisInput): string {
  const top = diagnosis?.verdict === "cause" ? diagnosis.causes[0] : undefined;
  const lasted = endedAt === undefined ? "" : `, and lasted ${duration((Date.parse(endedAt) - Date.parse(startedAt)) / 1_000)}`;
  const began = `The incident (${severity}) began at ${startedAt.replace("T", " ").slice(0, 19)} UTC${lasted}.`;
  const why = top
    ? `**${quiet(top.service)}** was the cause: ${KIND_TITLE[top.kind]} (confidence ${Math.round(top.confidence * 100)} %).`
    : "No single cause stood out from the evidence.";
  return `${began} ${why} ${endingText(ending)}`.trim();
}

function endingText(ending: Ending): string {
  switch (ending.kind) {
    case "mitigated":
      return `It was fixed and the fix was verified: ${quiet(ending.text)}`;
    case "recovered":
      return `It recovered by itself, without an action of ours: ${quiet(ending.text)}`;
    case "escalated":
      return `It was handed to a person: ${quiet(ending.text)}`;
    case "open":
      return "";
    default:
      return ending satisfies never;
  }
}

function impact({ members }: AnalysisInput): string {
  const services = [...new Set(members.flatMap((member) => (member.service === undefined ? [] : [member.service])))].sort();
  const count = `${members.length} ${members.length === 1 ? "alert" : "alerts"}${services.length === 0 ? "" : ` on ${listed(services.map(quiet))}`}.`;
  const rows = members
    .slice(0, 20)
    .map(
      (m) =>
        `| ${quiet(m.name)} | ${quiet(m.service ?? "")} | ${m.severity} | ${m.role} | ${m.startsAt.slice(11, 19)} | ${m.endsAt?.slice(11, 19) ?? ""} |`,
    );
  return [count, "", "| Alert | Service | Severity | Role | From | To |", "|---|---|---|---|---|---|", ...rows].join("\n");
}

function cause({ diagnosis }: AnalysisInput): string {
  if (!diagnosis) return "Not investigated.";
  const evidence = new Map(diagnosis.evidence.map((each) => [each.id, each]));
  const lines: string[] = [];
  const top = diagnosis.causes[0];
  if (diagnosis.verdict === "inconclusive") {
    lines.push(`Inconclusive. ${quiet(diagnosis.unsettled ?? "")}`);
    if (top) lines.push("", "The candidates, none of them sure enough to act on:", "");
    for (const each of diagnosis.causes.slice(0, 3)) lines.push(`- ${quiet(each.text)} (score ${each.score.toFixed(1)})`);
  } else if (top) lines.push(quiet(top.text));
  const facts = (top?.evidence ?? []).flatMap((id) => evidence.get(id) ?? []);
  if (facts.length > 0) lines.push("", "Evidence:", "", ...facts.map(evidenceLine));
  if (diagnosis.missing.length > 0) lines.push("", `What could not be looked at: ${quiet(listed(diagnosis.missing))}.`);
  return lines.join("\n");
}

function evidenceLine(each: Evidence): string {
  const query = each.query === undefined ? "" : ` — \`${each.query.replaceAll("`", "'")}\``;
  return `- (${each.kind}) ${quiet(each.text)}${query}`;
}

function ruledOut(input: AnalysisInput): string {
  return input.ruledOut.map((each) => `- **${quiet(each.service)}**: ${quiet(each.text)}`).join("\n");
}

/** Hypotheses, and said to be that: what was the cause once need not be it today. */
function seenBefore({ recall }: AnalysisInput): string {
  if (!recall || recall.alike.length === 0) return "";
  const lines = recall.alike
    .slice(0, 3)
    .map(
      ({ id, title, similarity, reasons }) =>
        `- \`${id}\` ${quiet(title)} (${Math.round(similarity * 100)} % alike: ${quiet(reasons.join(", "))})`,
    );
  return [recall.text.map(quiet).join(" "), "", ...lines].join("\n");
}

function actions({ runs }: AnalysisInput): string {
  if (runs.length === 0) return "None was taken.";
  return runs
    .map((run) => {
      const parameters = Object.entries(run.parameters)
        .map(([name, value]) => `${name} ${value}`)
        .join(", ");
      return `- ${quiet(run.title)} (\`${run.runbook}\`${parameters === "" ? "" : `, ${quiet(parameters)}`}): ${run.state}${run.reason === undefined ? "" : `, ${quiet(run.reason)}`}`;
    })
    .join("\n");
}

function timeline({ timeline: entries }: AnalysisInput): string {
  const shown = entries.slice(0, MAX_TIMELINE).map((entry) => `- ${entry.at.slice(11, 19)} ${quiet(entry.text)}`);
  if (entries.length > MAX_TIMELINE) shown.push(`- … and ${entries.length - MAX_TIMELINE} more`);
  return shown.join("\n");
}

function followUps({ diagnosis, ending, runs }: AnalysisInput): string {
  const items: string[] = [];
  const top = diagnosis?.verdict === "cause" ? diagnosis.causes[0] : undefined;
  if (top) items.push(...FOLLOW_UPS[top.kind]);
  else if (diagnosis?.unsettled) items.push(`Settle the cause: ${quiet(diagnosis.unsettled)}`);
  if (ending.kind === "escalated" && runs.length === 0)
    items.push("Write a runbook for this kind of incident, so that the next one need not wake anybody.");
  if (ending.kind === "mitigated") items.push("The action took away the symptom; the cause above is still to be removed.");
  for (const missing of diagnosis?.missing ?? []) items.push(`Make this source answer: ${quiet(missing)}.`);
  return items.map((item) => `- [ ] ${item}`).join("\n");
}
