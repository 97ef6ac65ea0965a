// Terms. The *desired ticket* is what GitLab should show of an incident now. It is computed anew each time from the whole
// incident, so it does not matter which events were seen, how often, or how long GitLab was away.
import type { IncidentState, IncidentView, RunView, Severity, Thought } from "@tocsin/contracts";
import { type EscalationStatus, type GitlabSeverity, neutraliseLine, neutraliseMarkdown, neutraliseTitle } from "@tocsin/tickets";

export interface DesiredTicket {
  readonly title: string;
  readonly description: string;
  readonly labels: readonly string[];
  readonly severity: GitlabSeverity;
  readonly status: EscalationStatus;
  readonly state: "opened" | "closed";
  /** A person has to take it over. */
  readonly needsPerson: boolean;
  /** One for each phase of the work, in the order of the phases; edited as the phase goes on. */
  readonly notes: readonly { readonly name: string; readonly body: string }[];
  /** Moments worth a place in GitLab's timeline; told once each, by key. */
  readonly timeline: readonly { readonly key: string; readonly at: string; readonly note: string; readonly tag: string }[];
}

export interface DesiredOptions {
  readonly labels: readonly string[];
  readonly consoleUrl?: string;
  readonly mergedInto?: string;
}

/** GitLab takes 1,048,576 characters; long before that nobody reads on. */
const MAX_DESCRIPTION = 200_000;
const MAX_NOTE = 60_000;
const MAX_ALERTS = 20;
const MAX_EVIDENCE = 10;
const MAX_THOUGHTS = 100;
const MAX_THOUGHTS_LENGTH = 40_000;
export const NEEDS_PERSON_LABEL = "needs-a-person";

const SEVERITY: Readonly<Record<Severity, GitlabSeverity>> = { critical: "CRITICAL", warning: "MEDIUM", info: "LOW" };

/** While the platform works on it, GitLab need not page anybody; when it hands over or asks, it should. */
const STATUS: Readonly<Record<IncidentState, EscalationStatus>> = {
  open: "TRIGGERED",
  investigating: "ACKNOWLEDGED",
  mitigating: "ACKNOWLEDGED",
  "awaiting-approval": "TRIGGERED",
  verifying: "ACKNOWLEDGED",
  resolved: "RESOLVED",
  closed: "RESOLVED",
  escalated: "TRIGGERED",
};

const PHASES: Readonly<Record<Thought["phase"], string>> = {
  gather: "Gathered",
  diagnose: "Diagnosis",
  recall: "Similar incidents",
  reason: "Reasoning",
  plan: "Plan",
  narrate: "Summary",
  act: "Action",
  verify: "Verification",
  close: "Closing",
};

/** Pure: what GitLab should show. All text from alerts, logs and models is made neutral on the way. */
export function desiredTicket(incident: IncidentView, thoughts: readonly Thought[], options: DesiredOptions): DesiredTicket {
  const needsPerson = incident.state === "escalated";
  return {
    title: neutraliseTitle(incident.title),
    description: descriptionOf(incident, options),
    labels: [...options.labels, ...(needsPerson ? [NEEDS_PERSON_LABEL] : [])],
    severity: SEVERITY[incident.severity],
    status: STATUS[incident.state],
    state: incident.state === "closed" ? "closed" : "opened",
    needsPerson,
    notes: notesOf(incident, thoughts),
    timeline: timelineOf(incident, thoughts),
  };
}

function descriptionOf(incident: IncidentView, { consoleUrl, mergedInto }: DesiredOptions): string {
  const { severity, service, scope, state, startedAt, closedAt, escalation, members, runs, analysis } = incident;
  const firing = members.filter(({ status }) => status === "firing").length;
  const facts: readonly (readonly [name: string, value: string | undefined])[] = [
    ["State", mergedInto === undefined ? state : `merged into ${neutraliseLine(mergedInto)}`],
    ["Severity", severity],
    ["Service", service && neutraliseLine(service)],
    ["Scope", neutraliseLine(scope)],
    ["Began", startedAt],
    ["Closed", closedAt],
    ["Alerts", `${members.length}, of which ${firing} fire`],
    ["Cause", causeLine(incident)],
    ["Needs a person", needsPersonLine(state, escalation)],
  ];
  const parts = [
    ["| | |", "|---|---|", ...facts.flatMap(([name, value]) => (value === undefined ? [] : [`| ${name} | ${value} |`]))],
    consoleUrl === undefined
      ? []
      : [`[Open in the console](${consoleUrl.replace(/\/+$/, "")}/incidents/${encodeURIComponent(incident.id)})`],
    ["## Alerts", "", ...alertLines(incident)],
    runs.length === 0 ? [] : ["## Actions", "", ...runs.map(runLine)],
    analysis === "" ? [] : ["## Analysis", "", neutraliseMarkdown(analysis, MAX_DESCRIPTION)],
    [`Written by Tocsin, and edited as the incident goes on: \`${neutraliseLine(incident.id)}\``],
  ];
  return parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n");
}

const needsPersonLine = (state: IncidentState, escalation: string | undefined): string | undefined => {
  if (state === "awaiting-approval") return "an action waits for approval";
  return state === "escalated" ? neutraliseLine(escalation ?? "handed over", 1_000) : undefined;
};

function causeLine({ verdict, causes }: IncidentView): string {
  const [cause] = causes;
  if (verdict === "pending") return "not known yet";
  if (verdict === "inconclusive" || cause === undefined) return "inconclusive: the evidence does not single one out";
  return `${neutraliseLine(cause.service)}, ${cause.kind} (confidence ${Math.round(cause.confidence * 100)} %): ${neutraliseLine(cause.text, 500)}`;
}

function alertLines({ members }: IncidentView): string[] {
  const lines = members.slice(0, MAX_ALERTS).map(({ name, service, severity, status, startsAt, endsAt, role, annotations }) => {
    const since = status === "firing" ? `fires since ${startsAt}` : `fired from ${startsAt} to ${endsAt ?? "?"}`;
    const summary = annotations["summary"] ?? annotations["description"];
    const of = service === undefined ? "" : ` of ${neutraliseLine(service)}`;
    return `- **${neutraliseLine(name)}**${of}, ${severity}, ${role}: ${since}${summary === undefined ? "" : `. ${neutraliseLine(summary)}`}`;
  });
  return members.length > MAX_ALERTS ? [...lines, `- and ${members.length - MAX_ALERTS} more`] : lines;
}

const runLine = ({ title, runbook, state, reason, requestedAt }: RunView): string =>
  `- **${neutraliseLine(title)}** (\`${neutraliseLine(runbook)}\`), asked for at ${requestedAt}: ${state}${reason === undefined ? "" : `. ${neutraliseLine(reason, 1_000)}`}`;

function notesOf(incident: IncidentView, thoughts: readonly Thought[]): DesiredTicket["notes"] {
  const phases = (Object.keys(PHASES) as Thought["phase"][]).flatMap((phase) => {
    const lines = thoughts.filter((thought) => thought.phase === phase).map(({ at, text }) => `- ${at} ${neutraliseLine(text, 1_000)}`);
    const more = phase === "diagnose" ? evidenceLines(incident) : phase === "act" ? stepLines(incident.runs) : [];
    return lines.length + more.length === 0
      ? []
      : [{ name: phase, body: capped([`### ${PHASES[phase]}`, "", ...shortened(lines), ...more]) }];
  });
  const escalation =
    incident.state === "escalated"
      ? [
          {
            name: "escalated",
            body: `### A person has to take over\n\n${neutraliseLine(incident.escalation ?? "No reason was written.", 4_000)}`,
          },
        ]
      : [];
  const analysis =
    incident.state === "closed" && incident.analysis !== ""
      ? [{ name: "analysis", body: capped(["### Root-cause analysis", "", neutraliseMarkdown(incident.analysis, MAX_NOTE)]) }]
      : [];
  return [...phases, ...escalation, ...analysis];
}

function evidenceLines({ causes }: IncidentView): string[] {
  const [cause] = causes;
  if (cause === undefined || cause.evidence.length === 0) return [];
  return ["", "Evidence:", "", ...cause.evidence.slice(0, MAX_EVIDENCE).map(({ kind, text }) => `- ${kind}: ${neutraliseLine(text, 500)}`)];
}

const stepLines = (runs: readonly RunView[]): string[] =>
  runs.flatMap(({ title, state, steps }) => [
    "",
    `**${neutraliseLine(title)}**: ${state}`,
    "",
    ...steps.map(
      ({ id, verb, state: stepState, role, output }) =>
        `- ${role === "undo" ? "undo " : ""}${neutraliseLine(id)} (${neutraliseLine(verb)}): ${stepState}${output === undefined || output === "" ? "" : `. ${neutraliseLine(output, 500)}`}`,
    ),
  ]);

/** The beginning and the end of what is too long; what happens last matters most. */
function shortened(lines: readonly string[]): readonly string[] {
  if (lines.length <= MAX_THOUGHTS && lines.reduce((sum, line) => sum + line.length, 0) <= MAX_THOUGHTS_LENGTH) return lines;
  const head = lines.slice(0, 5);
  const tail: string[] = [];
  let left = MAX_THOUGHTS_LENGTH - head.join("").length;
  for (const line of lines.slice(head.length).reverse()) {
    left -= line.length;
    if (left < 0 || tail.length + head.length >= MAX_THOUGHTS) break;
    tail.unshift(line);
  }
  return [...head, `- … ${lines.length - head.length - tail.length} more in the console …`, ...tail];
}

function capped(lines: readonly string[]): string {
  const text = lines.join("\n");
  if (text.length <= MAX_NOTE) return text;
  return `${text.slice(0, text.lastIndexOf("\n", MAX_NOTE))}\n\n…`;
}

/** The tags are GitLab's own. */
function timelineOf({ startedAt, causes, verdict, closedAt, runs }: IncidentView, thoughts: readonly Thought[]): DesiredTicket["timeline"] {
  const acted = runs.find(({ state }) => state === "succeeded");
  const [cause] = causes;
  const causeAt = thoughts.find(({ phase, kind }) => phase === "diagnose" && kind === "cause")?.at;
  return [
    { key: "start", at: startedAt, note: "The first alert began to fire", tag: "Start time" },
    ...(verdict === "cause" && cause !== undefined && causeAt !== undefined
      ? [{ key: "cause", at: causeAt, note: `Cause: ${neutraliseLine(cause.service)}, ${cause.kind}`, tag: "Cause identified" }]
      : []),
    ...(acted?.finishedAt === undefined
      ? []
      : [
          {
            key: `run:${acted.id}`,
            at: acted.finishedAt,
            note: `${neutraliseLine(acted.title)}: done and verified`,
            tag: "Impact mitigated",
          },
        ]),
    ...(closedAt === undefined ? [] : [{ key: "end", at: closedAt, note: "Closed", tag: "End time" }]),
  ];
}
