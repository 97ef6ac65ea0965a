// Terms. A *claim* is a sentence of a model with the ids of the evidence that it rests on. It is *kept* when every id is one that we minted and
// every number in it stands in that evidence; otherwise it is *dropped* and people never see it. Pure.
import { visibleText } from "./mask.ts";
import { isSameQuantity, numbersIn } from "./quantities.ts";

export interface Claim {
  readonly text: string;
  readonly evidence: readonly string[];
}

export type DropReason = "empty" | "no-evidence" | "unknown-evidence" | "number-not-in-evidence" | "unsafe-text" | "too-long";

export interface CheckedClaims {
  /** With their text made safe to show. */
  readonly kept: readonly Claim[];
  readonly dropped: readonly { readonly claim: Claim; readonly reason: DropReason; readonly detail?: string }[];
}

export interface CheckOptions {
  /** Default 400. */
  readonly maxChars?: number;
  /** Default 20: what comes after them is dropped. */
  readonly maxClaims?: number;
}

/**
 * Keeps the sentences that the evidence carries.
 *
 * @param known the text of each piece of evidence by its id, as the model was shown it
 */
export function checkClaims(claims: readonly Claim[], known: ReadonlyMap<string, string>, options: CheckOptions = {}): CheckedClaims {
  const { maxChars = 400, maxClaims = 20 } = options;
  const kept: Claim[] = [];
  const dropped: CheckedClaims["dropped"][number][] = [];
  for (const claim of claims) {
    const fault: { reason: DropReason; detail?: string } | undefined =
      kept.length >= maxClaims ? { reason: "too-long", detail: `more than ${maxClaims} sentences` } : faultOf(claim, known, maxChars);
    if (fault === undefined) kept.push({ text: plainSentence(claim.text), evidence: [...new Set(claim.evidence)] });
    else dropped.push({ claim, ...fault });
  }
  return { kept, dropped };
}

function faultOf(
  { text, evidence }: Claim,
  known: ReadonlyMap<string, string>,
  maxChars: number,
): { reason: DropReason; detail?: string } | undefined {
  const plain = plainSentence(text);
  if (plain === "") return { reason: "empty" };
  if (text.length > maxChars) return { reason: "too-long", detail: `more than ${maxChars} characters` };
  const unsafe = unsafeIn(text);
  if (unsafe !== undefined) return { reason: "unsafe-text", detail: unsafe };
  if (evidence.length === 0) return { reason: "no-evidence" };
  const stranger = evidence.find((id) => !known.has(id));
  if (stranger !== undefined) return { reason: "unknown-evidence", detail: stranger.slice(0, 40) };
  const stray = strayNumber(plain, evidence.map((id) => known.get(id) ?? "").join("\n"));
  return stray === undefined ? undefined : { reason: "number-not-in-evidence", detail: stray };
}

/** The first number of a text that the evidence does not have; undefined when it has all. */
export function strayNumber(text: string, evidence: string): string | undefined {
  const said = numbersIn(text);
  const there = numbersIn(evidence);
  const haystack = evidence.normalize("NFKC").toLowerCase();
  // Digits of other scripts, Roman and written small: numbers that nobody compares.
  const foreign = /(?!\d)\p{N}/u.exec(text)?.[0];
  return (
    foreign ??
    said.quantities.find((one) => !there.quantities.some((other) => isSameQuantity(one, other)))?.text ??
    // 10:00 is the minute of 10:00:03.
    said.clocks.find((clock) => !there.clocks.some((other) => other === clock || other.startsWith(`${clock}:`) || other.includes(clock))) ??
    said.coded.find((word) => !haystack.includes(word)) ??
    said.vague.find((word) => !haystack.includes(word))
  );
}

/** What no sentence of ours has: an address to click, a mark-up to run, a command for GitLab, a name to call. */
function unsafeIn(text: string): string | undefined {
  const signs: readonly (readonly [string, RegExp])[] = [
    ["a link", /[a-z][a-z0-9+.-]{1,20}:\/\/|\bwww\.|\]\s*\(|\b(?:javascript|data|vbscript):/i],
    ["mark-up", /<[a-z!/?]|&(?:#\d|#x[0-9a-f]|[a-z]{2,8};)|```|!\[/i],
    ["a quick action", /(?:^|\n)\s*\/[a-z]/i],
    ["a mention", /(?:^|\s)[@!#~%&$][\w{["]/],
    ["a command", /\$\(|`[^`]*`|\b(?:sudo|rm -|curl |wget |kubectl |docker )/i],
  ];
  return signs.find(([, sign]) => sign.test(text.normalize("NFKC")))?.[0];
}

/** One line of visible text. Where it is shown, the encoder of that place (HTML, Markdown, Slack) still does its work. */
export const plainSentence = (text: string): string => visibleText(text).replace(/\s+/gu, " ").trim();
