// Checking what a model wants to say to people. A sentence is shown when it rests on evidence of ours and says nothing that could not be read
// there: no other number, name or cause, nothing that formats, links, commands or asks for anything. What fails is dropped, and counted.
import { strayNumber } from "@tocsin/llm";
import type { Facts } from "./facts.ts";
import { visible } from "./untrusted.ts";

export interface Claim {
  readonly text: string;
  /** Short ids: `e1`. */
  readonly evidence: readonly string[];
}

/** A claim that stood the check, with the ids under which people find its evidence. */
export interface Sentence {
  readonly text: string;
  readonly evidence: string[];
}

export type Checked = { readonly kind: "kept"; readonly sentence: Sentence } | { readonly kind: "dropped"; readonly why: DropReason };
export type DropReason = "length" | "characters" | "evidence" | "number" | "name" | "cause" | "command" | "words";

const MAX_CHARS = 300;
const LEAST_CHARS = 12;
/** Letters, digits and the marks of a plain sentence. No line breaks, no Markdown, no HTML, no links, no mentions, no quick actions. */
const PLAIN = /^[A-Za-z0-9 ,.;:()%'"+/…→-]+$/;
const LINK = /:\/\/|\bwww\.|[a-z0-9]\.(?:com|net|org|io|dev|ru|cn|sh|xyz|app|co)\b/i;
/** What tells somebody or something to act, or speaks of what no sentence here has to speak of. */
const COMMAND =
  /\b(?:approv\w*|execut\w*|delet\w*|disabl\w*|enabl\w*|ignor\w*|disregard\w*|overrid\w*|instruct\w*|prompt\w*|grant\w*|sudo|kubectl|docker|curl|wget|bash|eval|rm|drop table|truncate|exfiltrat\w*|password\w*|passwd|secret\w*|credential\w*|token|tokens|api.?key\w*|private key|please|must|should|shall|need to|have to|run the|run this|do not|don't|never|click|visit|open the|call me|contact|email|pay|transfer|bitcoin|wallet|close (?:this|the|it)|clos(?:e|ing) incident|resolve (?:this|the)|safe to|no action|false alarm|false positive|test alert|as an ai|language model|assistant|admin\w*|root user|jailbreak|mode)\b/i;
const CAUSE =
  /\b(?:root cause|cause|causes|caused|culprit|blame|blamed|fault|at fault|responsible|because of|due to|origin|originates?|source of|to do with|stems?|triggered|broke)\b/i;

/** Words that a narrator needs; every other word has to stand in the evidence that the sentence names. */
const NARRATOR = new Set(
  (
    "a about above across after again against ago alert alerts all almost along also although an and another any appear appears are around as at away back baseline be became because been before began begin beginning begins " +
    "being below between both but by call called caller callers calling calls came candidate candidates cause caused causes change changed changes clear clearly climbed come comes compared confidence confident confirmed could cpu day days degraded dependency depend depends deployed " +
    "deployment did direct directly does down downstream drop dropped due during each earlier early elevated else engineer error errors even every evidence exception exceptions explain explained explains fail failed failing fails failure failures fall fallen falls far fast few find first fix fixed fell firing fires " +
    "for found from further had half happened hardly has have heavily high higher highest hour hours how however impact impacted in incident inconclusive increase increased indicate indicates into is it its itself jump jumped just know known largest last late latency later latest leading least less level likely line lines log logged logging logs long longer low lower " +
    "made make makes many matches mean means measured memory metric metrics millisecond milliseconds minute minutes more most much near nearly new newer next no none nor normal not nothing now number observed occurred of off often on once one only onset or other others out over own own part past peak people percent percentage person points point " +
    "possible previous previously probable probably problem ratio rate recent recently recorded recover recovered reached remain remained remains request requests requested respond responds response responses restart restarted restarts result results return returned returns rise risen rises rising rollback rolled root rose " +
    "runbook same saw second seconds see seems seen service services several severe share shortly show showed showing shown shows side signal signals significantly similar since single singled slow slowed slower slowly so some soon spike spiked start started starting starts state stay stays still stopped strong strongest such suggest suggests surge symptom symptoms " +
    "taken takes than that the their them then there these they this those though three through time timeout timeouts times to together too took top total towards trace traces traffic twice two typical under unchanged unclear until up upstream upward usage usual usually value values very via was watched well went were what when where whereas which while who whole whose why will with within without worse worst would yet zero " +
    "able abnormal absent according account activity actually added affected affects afterwards agree agrees among answer answered answering answers apart apparent arrive arrived beginning behave behaved behavior best beyond block blocked both brief briefly broken building builds capacity " +
    "case chain close closely combined common complete completely concentrated condition connected connection connections consistent constant contain contains continue continued continues correlate correlated correlates count counts crash crashed crashes crashing deep depth detect detected deviate deviated deviates deviation deviations differ difference different disappeared drift duration " +
    "ended ends enough entire event events exactly exhausted expected experienced experiencing extra fact facts flat flow follow followed following follows full fully further gap gone gradually great greatly grew group grow growing grown grows healthy hold holds hung idle immediately important increasing instead involved issue issues joint keep keeps kept kind lack large lasted lasting lead left " +
    "limit limited load local long loss lost main mainly major maximum median minor moment moments move moved multiple narrow nature next noticeable occurring older open operation operations overall overlap pair part partial partly path pattern patterns performance period pool pools present pressure process processes produced queue queued quick quickly range ranked rather reach reason reasons recovery " +
    "reduced refused rejected related release released releases reliable remaining report reported reports resource resources rest rests roughly saturated saturation scrape scrapes separate sharp sharply shift shifted sign signs similar simply size small smaller spread spreads stable stand stands steadily steady step steps stop stops support supported supports suspect suspected sustained system takes template tied tight timing trend trends typically " +
    "unable unavailable unhealthy unlike unresponsive unusual upset version versions visible wait waited waiting waits weak weaker weaken wide widespread window work worked working world"
  ).split(" "),
);

/** Possessives and parts of compounds are read as their words. */
const isNarrators = (word: string): boolean =>
  NARRATOR.has(word) || (word.includes("-") && word.split("-").every((part) => NARRATOR.has(part)));

/** Pure: may this be shown? */
export function checkSentence(claim: Claim, facts: Facts): Checked {
  const dropped = (why: DropReason): Checked => ({ kind: "dropped", why });
  const text = claim.text.trim().replace(/\s+/g, " ");
  if (text.length < LEAST_CHARS || text.length > MAX_CHARS) return dropped("length");
  if (visible(text) !== text || !PLAIN.test(text) || text.startsWith("/") || /\s\/\w/.test(text) || LINK.test(text))
    return dropped("characters");
  const cited = facts.facts.filter(({ id }) => claim.evidence.includes(id));
  if (cited.length === 0 || claim.evidence.some((id) => !facts.facts.some((fact) => fact.id === id))) return dropped("evidence");
  if (COMMAND.test(text)) return dropped("command");
  const read = [
    ...cited.map((fact) => fact.text),
    ...facts.standing,
    ...facts.candidates
      .filter((c) => cited.some(({ service }) => service === c.service))
      .map(({ confidence }) => `${Math.round(confidence * 100)} %`),
  ].join(" ");
  if (strayNumber(text.replace(/\bfirst\b/gi, ""), read) !== undefined) return dropped("number");
  const services = new Set([...facts.candidates, ...facts.facts].flatMap(({ service }) => service ?? []));
  const named = wordsOf(text).filter((word) => services.has(word));
  const readable = new Set(wordsOf(read));
  const citedServices = new Set(cited.flatMap(({ service }) => service ?? []));
  if (!named.every((name) => readable.has(name) || citedServices.has(name))) return dropped("name");
  const lower = new Set([...readable, ...citedServices].map((word) => word.toLowerCase()));
  const isKnown = (word: string) => /^[\d.:%]+$/.test(word) || isNarrators(word.toLowerCase()) || lower.has(word.toLowerCase());
  if (!wordsOf(text).every(isKnown)) return dropped("words");
  if (CAUSE.test(text) && !isOwnCause(named, facts)) return dropped("cause");
  return { kind: "kept", sentence: { text, evidence: cited.map(({ evidenceId }) => evidenceId) } };
}

/** A sentence that speaks of a cause speaks of ours, first and alone among the candidates. */
function isOwnCause(named: readonly string[], { verdict, candidates }: Facts): boolean {
  const leading = candidates[0]?.service;
  if (verdict === "inconclusive") return named.length === 0;
  return named.length === 0 || named[0] === leading;
}

/** Words as they are compared: names keep their dashes and dots. */
const wordsOf = (text: string): readonly string[] =>
  text.split(/[\s,;()"'+/…→]+/).flatMap((raw) => {
    const word = raw.replace(/^[.:-]+|[.:%-]+$/g, "");
    return word === "" ? [] : [word];
  });
