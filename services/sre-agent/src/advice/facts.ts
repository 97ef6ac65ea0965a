// Terms. *Facts* are what a model is shown of an incident: the candidates, the evidence and the outcome, each with a short id of ours, with
// every text that others could have written reduced to its shape. What a model answers can only name these ids.
import type { Diagnosis, Evidence } from "@tocsin/contracts";
import type { ContrastQuery } from "./contrast-queries.ts";
import { isNameLike, shapeOf } from "./untrusted.ts";

interface Fact {
  /** `e1`, `e2`, …: what a model calls it. */
  readonly id: string;
  /** The id under which a person can look it up. */
  readonly evidenceId: string;
  readonly kind: Evidence["kind"];
  readonly text: string;
  readonly service?: string;
}

interface Candidate {
  /** `c1`, `c2`, … in the order of the ranking. */
  readonly id: string;
  readonly service: string;
  readonly kind: string;
  readonly confidence: number;
  /** Ids of facts. */
  readonly evidence: readonly string[];
}

export interface Facts {
  readonly verdict: Diagnosis["verdict"];
  readonly candidates: readonly Candidate[];
  readonly facts: readonly Fact[];
  readonly contrasts: readonly ContrastQuery[];
  /** What is being done, in words of ours. */
  readonly standing: readonly string[];
}

const MAX_FACTS = 40;
const MAX_CANDIDATES = 5;

/** Pure: the facts of a diagnosis as a model may see them. */
export function factsOf(diagnosis: Diagnosis, contrasts: readonly ContrastQuery[] = [], standing: readonly string[] = []): Facts {
  const names = new Set<string>();
  for (const { service } of [...diagnosis.causes, ...diagnosis.evidence])
    if (service !== undefined && isNameLike(service)) names.add(service);
  const shortOf = new Map<string, string>();
  const facts: Fact[] = [];
  const causes = diagnosis.causes.slice(0, MAX_CANDIDATES);
  const byId = new Map(diagnosis.evidence.map((each) => [each.id, each]));
  // Those of the leading candidates first: what is cut off is the weakest.
  for (const id of new Set([...causes.flatMap((cause) => cause.evidence), ...byId.keys()])) {
    const evidence = byId.get(id);
    if (!evidence || facts.length >= MAX_FACTS) continue;
    const short = `e${facts.length + 1}`;
    shortOf.set(id, short);
    facts.push({
      id: short,
      evidenceId: id,
      kind: evidence.kind,
      text: textOf(evidence, names),
      ...(evidence.service === undefined ? {} : { service: nameOf(evidence.service, names) }),
    });
  }
  return {
    verdict: diagnosis.verdict,
    candidates: causes.map((cause, index) => ({
      id: `c${index + 1}`,
      service: nameOf(cause.service, names),
      kind: cause.kind,
      confidence: cause.confidence,
      evidence: cause.evidence.flatMap((id) => shortOf.get(id) ?? []),
    })),
    facts,
    contrasts,
    standing,
  };
}

const nameOf = (service: string, names: ReadonlySet<string>): string => (names.has(service) ? service : "‹service›");

/** Our own sentence with what it quotes reduced to its shape. */
function textOf({ kind, text, service = "" }: Evidence, names: ReadonlySet<string>): string {
  switch (kind) {
    case "metric":
      // Our words, a name and numbers; with a name that cannot be one it is read as untrusted.
      return names.has(service) ? clipped(text) : shapeOf(text, names);
    case "topology": {
      const callers = text.split(/[\s,]+/).filter((word) => word !== service && names.has(word));
      return `Services that call ${nameOf(service, names)} show the symptom that follows from it${callers.length === 0 ? "" : ` (${callers.join(", ")})`}.`;
    }
    case "log": {
      const at = text.indexOf(': "');
      return at < 0
        ? shapeOf(text, names)
        : `${headOf(text.slice(0, at), service, names)}: "${shapeOf(text.slice(at + 3).replace(/"\.$/, ""), names)}".`;
    }
    case "change": {
      const found = /^A (deployment|configuration|scaling|restart) of .*? at (\d\d:\d\d:\d\d): /su.exec(text);
      return found ? `A ${found[1]} of ${nameOf(service, names)} at ${found[2]}.` : shapeOf(text, names);
    }
    case "alert": {
      const since = /(\d\d:\d\d:\d\d)\.$/.exec(text)?.[1];
      return `An alert fires on ${nameOf(service, names)}${since === undefined ? "" : ` since ${since}`}.`;
    }
    case "trace": {
      const figures = text.match(/\d+(?:\.\d+)?(?: ?(?:ms|s|min|h|%))?/g) ?? [];
      const isEdge = /^Calls from ([^ ]+) to ([^ ]+) (fail|take longer|spend longer on the wire): /.exec(text);
      if (isEdge && names.has(isEdge[1] ?? "") && names.has(isEdge[2] ?? "")) return clipped(text);
      return `A traced operation of ${nameOf(service, names)} changed (${figures.slice(-2).join(", before ")}).`;
    }
    default:
      return kind satisfies never;
  }
}

const MAX_TEXT = 300;
const clipped = (text: string): string => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text);
/** `payments logs a new error line (25 lines since 10:00:00, before 0)`: ours, but for the name at its beginning. */
const headOf = (head: string, service: string, names: ReadonlySet<string>): string => {
  const rest = head.slice(head.indexOf(" "));
  const speaker = head.slice(0, head.indexOf(" "));
  return /^ (?:logs|no longer logs) [a-z ]+\(\d+ lines? since [\d:]+, before \d+\)$/.test(rest)
    ? `${names.has(speaker) ? speaker : nameOf(service, names)}${rest}`
    : shapeOf(head, names);
};

const MAX_PROMPT_CHARS = 12_000;

/** Pure: the facts as the text that goes into a prompt, capped; whole lines are left out, never parts. */
export function factsText({ verdict, candidates, facts, contrasts, standing }: Facts): string {
  const lines = [
    `verdict: ${verdict}`,
    "candidates:",
    ...candidates.map(
      (c) => `  ${c.id} ${c.service} (${c.kind}), confidence ${Math.round(c.confidence * 100)} %, evidence ${c.evidence.join(" ")}`,
    ),
    "evidence:",
    ...facts.map((fact) => `  ${fact.id} [${fact.kind}] ${fact.text}`),
    ...(contrasts.length === 0 ? [] : ["contrast queries:", ...contrasts.map((query) => `  ${query.id} ${query.text}`)]),
    ...(standing.length === 0 ? [] : ["standing:", ...standing.map((line) => `  ${line}`)]),
  ];
  let length = 0;
  const fitting = lines.filter((line) => {
    length += line.length + 1;
    return length <= MAX_PROMPT_CHARS;
  });
  return fitting.join("\n");
}
