import type { Claim } from "./check-sentence.ts";

/** From here on what has no end is no sentence. */
const MAX_PENDING = 2_000;
const CITED = /\s*\[((?:e\d{1,3})(?:\s*[,;]?\s*e\d{1,3})*)\]/g;

/** Takes text as it streams and gives sentences as they end: each is checked before anybody sees it. */
export function sentenceReader(onSentence: (claim: Claim) => void): { push(text: string): void; end(): void } {
  let pending = "";
  const give = (raw: string) => {
    const evidence = [...raw.matchAll(CITED)].flatMap((match) => (match[1] ?? "").match(/e\d+/g) ?? []);
    const text = raw.replace(CITED, "").replace(/\s+/g, " ").trim();
    if (text !== "") onSentence({ text, evidence });
  };
  return {
    push(text) {
      pending += text;
      for (let at = boundaryOf(pending); at >= 0; at = boundaryOf(pending)) {
        give(pending.slice(0, at));
        pending = pending.slice(at);
      }
      if (pending.length > MAX_PENDING) {
        give(pending);
        pending = "";
      }
    },
    end() {
      give(pending);
      pending = "";
    },
  };
}

/** A sentence ends at its mark when white space follows and no citation comes after it. Text that is still growing ends nowhere. */
function boundaryOf(text: string): number {
  const mark = /[.!?](?:\s*\[[^\]]*\][.!?]?)?(?=\s+[^\s[])|\n+(?=\S)/.exec(text);
  return mark ? mark.index + mark[0].length : -1;
}
