// A draft of a runbook from an incident that is over. A file to review: it may observe only (L0), its name keeps it out of any library (a name
// that begins with an underscore is not loaded), and its machine steps are copied from a runbook that people have reviewed, or only look.
import type { IncidentView, ModelNote } from "@tocsin/contracts";
import { parseRunbook, type Runbook, type RunbookProblem } from "@tocsin/runbooks";
import type { Sentence } from "./check-sentence.ts";
import type { Facts } from "./facts.ts";

export interface Draft {
  /** `_draft-payments-change.md` */
  readonly filename: string;
  readonly markdown: string;
  /** What a linter says of it. */
  readonly problems: readonly RunbookProblem[];
}

export interface DraftInput {
  readonly incident: Pick<IncidentView, "id" | "members" | "runs" | "causes" | "verdict">;
  readonly facts: Facts;
  /** The runbook of the run that helped, when there is one. */
  readonly helped?: Runbook | undefined;
  readonly prose?: { readonly sentences: readonly Sentence[]; readonly model: ModelNote } | undefined;
}

const ALERT_NAME = /^[A-Za-z0-9_:. -]{1,80}$/;
const MAX_ALERTS = 5;
const MAX_FACTS = 6;

/** Pure: the draft, linted as any runbook is. What others wrote is quoted or left out. */
export function draftRunbook({ incident, facts, helped, prose }: DraftInput): Draft {
  const cause = incident.verdict === "cause" ? incident.causes[0] : undefined;
  const slug = `draft-${[cause?.service ?? "unknown", cause?.kind ?? "cause"].join("-")}`
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 60)
    .replace(/-$/, "");
  const alerts = [...new Set(incident.members.map((member) => member.name))].filter((name) => ALERT_NAME.test(name)).slice(0, MAX_ALERTS);
  const title = `Draft: ${facts.candidates[0]?.service ?? "a service"} ${cause ? `(${cause.kind})` : "(cause not singled out)"}`.slice(
    0,
    118,
  );
  const front = [
    "---",
    `id: ${slug}`,
    `title: ${JSON.stringify(title)}`,
    "matches:",
    ...(alerts.length === 0 ? [] : ["  alerts:", ...alerts.map((name) => `    - alertname: ${JSON.stringify(name)}`)]),
    `  causes: [${cause?.kind ?? "external"}]`,
    "parameters:",
    "  service:",
    "    type: name",
    "    description: The service that is at fault.",
    "    pattern: ^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
    "    maxLength: 63",
    "    origin: cause.service",
    `risk: ${helped?.risk ?? "medium"}`,
    "autonomy: L0",
    "tags: [draft]",
    "---",
  ];
  const written = prose
    ? [
        prose.sentences.map(({ text }) => text).join(" "),
        "",
        `(Written by a language model, ${prose.model.provider} ${prose.model.model}, prompt ${prose.model.prompt.name} version ${prose.model.prompt.version}; each sentence was checked against the evidence.)`.replace(
          /[`*_<>[\]]/g,
          "",
        ),
      ]
    : ["Say here in your own words how to recognise this kind of incident."];
  const steps = helped ? stepsOf(helped.text) : LOOK;
  const body = [
    "",
    `# ${title}`,
    "",
    `A draft from incident ${incident.id.replace(/[^A-Za-z0-9_-]/g, "")}. Nobody has reviewed it and nothing runs it: it may only observe, and its name keeps it out of the library. Rename the file, review every step, and raise \`autonomy\` when you trust it.`,
    "",
    "## How to recognise it",
    "",
    ...written,
    "",
    "What was measured then:",
    "",
    ...facts.facts.slice(0, MAX_FACTS).map((fact) => `- (${fact.kind}) ${fact.text.replace(/[\\`*_[\]<>#|~]/g, "\\$&")}`),
    "",
    "## What to do",
    "",
    helped
      ? `What helped: ${helped.id}. Its steps as they were reviewed:`
      : "No runbook helped then. Until there is a remedy this only looks:",
    "",
    ...steps,
    "",
  ];
  const markdown = [...front, ...body].join("\n");
  return { filename: `_${slug}.md`, markdown, problems: parseRunbook(`${slug}.md`, markdown).problems };
}

const LOOK = [
  "```yaml step",
  "id: look",
  "verb: target.logs",
  "with:",
  '  target: "{{service}}"',
  "  tail: 100",
  "  since: 15m",
  "timeout: 20s",
  "```",
];

/** The step blocks of a reviewed runbook, as they are. */
const stepsOf = (text: string): readonly string[] =>
  [...text.matchAll(/^```yaml step\n[\s\S]*?^```$/gm)].flatMap((match, index) => (index === 0 ? [match[0]] : ["", match[0]]));
