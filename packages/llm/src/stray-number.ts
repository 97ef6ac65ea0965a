import { isSameQuantity, numbersIn } from "./quantities.ts";

/**
 * Pure: the first number of a sentence that its evidence does not have, in whatever unit and rounding; undefined when it has all. Times, words
 * that hold digits and numbers in words count as numbers.
 *
 * @param evidence the text of the evidence that the sentence names, as the model was shown it
 */
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
