// Terms. *Untrusted* text is what others could have written: log lines, label values, titles of commits, notes. Nothing
// that nobody sees leaves the machine, and what looks as if it talked to a model is told to people. Pure.

const CSI = "(?:\u001b\\[|\u009b)[0-9;?]*[ -/]*[@-~]";
const OSC = "(?:\u001b[\\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u009c]{0,4096}(?:\u0007|\u001b\\\\|\u009c)?";
const ESCAPES = new RegExp(`${OSC}|${CSI}|\u001b[ -/]?.?`, "gsu");
/** Format characters (zero-width, bidirectional, tags), controls but for line feed and tab, private use, lone surrogates, fillers. */
const UNSEEN = /[\p{Cf}\p{Co}\p{Cs}\u115f\u1160\u3164\uffa0]|\p{Default_Ignorable_Code_Point}/gu;
const CONTROLS = /(?![\n\t])\p{Cc}/gu;

/** The text that a person would see: no terminal escapes, nothing of zero width, no marks that turn the direction of reading. */
export const visibleText = (text: string): string =>
  text.replaceAll("\r\n", "\n").replace(ESCAPES, "").replace(UNSEEN, "").replace(CONTROLS, " ");

/** Why a text looks as if it were meant for a model. */
export type Suspicion = "hidden-text" | "look-alikes" | "instruction" | "forged-turn" | "forged-tool-call" | "quick-action";

/** Letters of other scripts that look like Latin ones: enough to read a disguised word, not a whole table of Unicode. */
const LOOK_ALIKES: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ["а", "a"],
    ["е", "e"],
    ["о", "o"],
    ["р", "p"],
    ["с", "c"],
    ["у", "y"],
    ["х", "x"],
    ["і", "i"],
    ["ј", "j"],
    ["ѕ", "s"],
    ["ԁ", "d"],
    ["һ", "h"],
    ["ո", "n"],
    ["ӏ", "l"],
    ["ι", "i"],
    ["ο", "o"],
    ["α", "a"],
    ["ν", "v"],
    ["ρ", "p"],
    ["τ", "t"],
    ["υ", "u"],
    ["κ", "k"],
    ["ɡ", "g"],
    ["ı", "i"],
    ["ǃ", "!"],
  ].flatMap(([other = "", latin = ""]) => [
    [other, latin],
    [other.toUpperCase(), latin],
  ]),
);

/** For looking at, never for showing: compatibility forms, look-alikes and marks folded to plain lower-case letters. */
const foldedForDetection = (text: string): string =>
  [...visibleText(text).normalize("NFKD").replace(/\p{M}/gu, "")]
    .map((letter) => LOOK_ALIKES[letter] ?? letter)
    .join("")
    .toLowerCase();

const SIGNS: readonly (readonly [Suspicion, RegExp])[] = [
  [
    "instruction",
    /\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:previous|prior|above|earlier|all|your|system)\b.{0,40}\b(?:instruction|prompt|rule|message|guideline|polic)|\byou (?:are|must|should|will) now\b|\bas an? (?:ai|assistant|language model)\b|\bnew instructions?\b|\b(?:the )?(?:real|true|actual) (?:root )?cause is\b|\b(?:note|message|instruction)s? (?:to|for) (?:the )?(?:ai|llm|assistant|model|agent|sre)\b|\bsystem prompt\b|\b(?:restart|rollback|roll back|scale|stop|delete|drop|approve|close|resolve) (?:the |this |all )\w+/,
  ],
  [
    "forged-turn",
    /(?:^|\n)\s*(?:system|assistant|user|human|developer)\s*:|<\|[a-z_]{2,30}\|>|\[\/?inst\]|<\/?(?:system|assistant|user|instructions?|facts|untrusted)\b|<<<(?:end|untrusted)/,
  ],
  [
    "forged-tool-call",
    /"(?:tool_calls?|function_call|tool_use|tool_result)"|<\/?(?:tool_call|function_calls?|invoke|tool_result)\b|"name"\s*:\s*"[\w.-]{1,64}"\s*,\s*"(?:arguments|input|parameters)"\s*:/,
  ],
  [
    "quick-action",
    /(?:^|\n)\s*\/(?:close|reopen|assign|unassign|label|unlabel|merge|approve|severity|confidential|title|spend|due|promote|duplicate|move|resolve)\b/,
  ],
];

/** For telling people; nothing is safe because this found nothing. */
export function suspicionsOf(text: string): readonly Suspicion[] {
  const found = new Set<Suspicion>();
  if (text.replace(UNSEEN, "") !== text || text.replace(ESCAPES, "") !== text) found.add("hidden-text");
  if (/[a-z][\u0370-\u03ff\u0400-\u052f\u0530-\u058f]|[\u0370-\u03ff\u0400-\u052f\u0530-\u058f][a-z]/iu.test(visibleText(text))) {
    found.add("look-alikes");
  }
  const folded = foldedForDetection(text);
  for (const [suspicion, sign] of SIGNS) if (sign.test(folded)) found.add(suspicion);
  return [...found];
}
