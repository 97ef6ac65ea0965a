// Terms. *Untrusted* text is what others could have written: log lines, alert names, titles of changes, names of operations. A model gets to
// see its shape (error classes, numbers as placeholders, the words of the trade), never its sentences: what is no word of the trade is `…`.
import { maskLine } from "@tocsin/diagnosis";
import { visibleText } from "@tocsin/llm";
import { redact } from "@tocsin/runtime";

const MAX_CHARS = 160;
/** From here on nothing is read: the shape of a line is at its beginning. */
const MAX_READ = 2_048;

/** Words that say what kind of trouble it is. None of them tells anybody to do something, and none of them joins others into a sentence. */
const TRADE = new Set(
  (
    "abort aborted address alloc allocation backlog backend bad bind body broken buffer bytes cache call calls cannot cert certificate " +
    "channel circuit client code config configuration conflict connect connection connections consumer container corrupt cpu crash " +
    "crashed database db deadline deadlock denied dependency deployment disconnected disk dns down driver duplicate empty eof error errors exceeded exception " +
    "exhausted exit exited expired fail failed failing failure fatal fetch file forbidden format full garbage gateway gc handshake header health heap " +
    "host http https idle illegal index init initialization input internal invalid io json kernel killed lag latency leak length level limit " +
    "limits listener load lock lost malformed memory message method missing module network node null offset oom open out overflow overloaded " +
    "panic parse parser partition peer pending permission pid pipe pool port process producer property proxy query queue quota range rate " +
    "read reading ready recv refused release replica request requests reset resolve resource response retries retry route rollback saturated schema segfault segmentation " +
    "server service session shutdown signal size slow socket space sql ssl stack stale stalled started starting state status stopped storage stream syntax " +
    "table tcp thread threads throttled timed timeout timestamp tls transaction type unable unavailable undefined unexpected unhandled unknown unreachable unresponsive upstream " +
    "user value version wait waiting warn warning worker write fault faults"
  ).split(" "),
);
const ERROR_CLASS = /^[A-Z][A-Za-z]{2,38}(?:Error|Exception|Timeout|Fault|Panic)$/;
const ERRNO = /^E[A-Z]{3,14}$/;
const PLACEHOLDER = /^<(?:num|hex|ip|id|uuid|\*)>$/;

/** Takes out what is not seen (terminal escapes, zero-width and bidirectional marks, control characters) and forms that only look alike. */
export const visible = (text: string): string => visibleText(text.normalize("NFKC"));

/**
 * Pure: the shape of a text that anybody could have written.
 *
 * @param names services that are known: they stay readable
 * @returns at most 160 characters: words of the trade, error classes, known names and typed placeholders; the rest is `…`
 */
export function shapeOf(text: string, names: ReadonlySet<string>): string {
  const out: string[] = [];
  for (const raw of maskLine(redact(visible(text.slice(0, MAX_READ)))).split(/[\s,;()[\]{}"'`|=]+/)) {
    const word = raw.replace(/^[.:!?]+|[.:!?]+$/g, "");
    if (word === "") continue;
    const isKept = names.has(word) || TRADE.has(word.toLowerCase()) || ERROR_CLASS.test(word) || ERRNO.test(word) || PLACEHOLDER.test(word);
    if (isKept) out.push(word);
    else if (out.at(-1) !== "…") out.push("…");
  }
  const shape = out.join(" ");
  return shape.length > MAX_CHARS ? `${shape.slice(0, MAX_CHARS - 1)}…` : shape;
}

const SAFE_NAME = /^[A-Za-z0-9][-A-Za-z0-9._:@]{0,63}$/;
/** A service's name is a label value: one that could not be a name is not shown. */
export const isNameLike = (name: string): boolean => SAFE_NAME.test(name);
