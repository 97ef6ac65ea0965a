// GitLab does what text says: a line that begins with a slash is a command that runs with our token, `@name` notifies, `#1`, `!1` and `~label` link.
// Whoever can write a log line or a label can write such text. *Neutral* text shows what was written and does nothing.
import { redact } from "@tocsin/runtime";

/** Breaks a reference and is not seen: GitLab decodes entities before it looks for references, so an entity would not do. */
const JOINER = "\u2060";
const CUT = " …";

/** Control and format characters, fillers: what hides a slash at the start of a line. Tab and newline stay. */
const HIDDEN = /(?![\n\t])\p{Cc}|\p{Cf}|\p{Co}|[\u115f\u1160\u3164\uffa0]/gu;
const LINE_ENDS = /\r\n?|[\v\f\u0085\u2028\u2029]/g;
/** A slash that begins a line, or what Unicode's compatibility forms make one, with whatever white space and combining marks before it. */
const LEADING_SLASH = /^([\s\p{Z}\p{M}]*)([/\uff0f\u2044\u2215\u29f8])/gmu;
/** What begins a reference in GitLab's text: user, issue, merge request, label, milestone, snippet, epic, alert, `[vulnerability:1]`. */
const REFERENCE = /([@#!~%$^[])(?=\S)/g;
const LINK_START = /\b(?:(https?|ftp|mailto|javascript|data|file|tel)(:)|(www)(\.))(?=\S)/gi;
const HEADING = /^( {0,3}#{1,6} )/;

function visible(text: string, maxLength: number): string {
  const clean = redact(text.toWellFormed()).replaceAll(LINE_ENDS, "\n").replaceAll(HIDDEN, "");
  return clean.length <= maxLength ? clean : `${clean.slice(0, maxLength).replace(/[\ud800-\udbff]$/, "")}${CUT}`;
}

const escapeHtml = (text: string): string => text.replaceAll("&", `&amp;${JOINER}`).replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const unlinked = (text: string): string =>
  text
    .replaceAll(REFERENCE, `$1${JOINER}`)
    .replaceAll(LINK_START, (_, scheme?: string, colon?: string, www?: string, dot?: string) => (scheme ?? www) + JOINER + (colon ?? dot));
const uncommanded = (text: string): string =>
  text.replaceAll(LEADING_SLASH, (_, before: string, slash: string) => `${before}&#${slash.codePointAt(0)};`);

/**
 * Pure: text from telemetry as plain prose. No line of it is a command, nobody is mentioned, nothing is referenced, no markup of it is markup,
 * and what looks like a secret is taken out.
 *
 * @param maxLength in UTF-16 units of the text as it was; what is longer is cut
 */
export function neutralise(text: string, maxLength = 4_000): string {
  return uncommanded(unlinked(escapeHtml(visible(text, maxLength))).replaceAll(/[\\`*_[\]|]/g, "\\$&"));
}

/** As {@link neutralise}, in one line: for a table's cell, a list's item, or within a sentence. */
export const neutraliseLine = (text: string, maxLength = 300): string => neutralise(text.replaceAll(/\s+/gu, " ").trim(), maxLength);

/**
 * Pure: Markdown that we or a model wrote about telemetry. Headings, lists, emphasis, tables and code stay; HTML, images, links, commands, mentions,
 * references and diagrams do not.
 */
export function neutraliseMarkdown(text: string, maxLength = 100_000): string {
  const lines = escapeHtml(visible(text, maxLength))
    .replaceAll("](", "]\\(")
    .split("\n")
    .map((line) => {
      // A fence keeps neither its language (GitLab draws some of them) nor its length, so that counting says whether it is closed.
      if (/^ {0,3}(`{3,}|~{3,})/.test(line)) return "```";
      const heading = HEADING.exec(line)?.[1] ?? "";
      return heading + unlinked(line.slice(heading.length));
    });
  const isOpen = lines.filter((line) => line === "```").length % 2 === 1;
  return uncommanded([...lines, ...(isOpen ? ["```"] : [])].join("\n"));
}

/** GitLab's longest title. */
const MAX_TITLE = 255;

/** Pure: text from telemetry as a title, which is one line and knows no markup but references. */
export function neutraliseTitle(text: string): string {
  const line = visible(text.replaceAll(/\s+/gu, " ").trim(), 240).replaceAll(REFERENCE, `$1${JOINER}`).replaceAll("&", `&${JOINER}`);
  return line.slice(0, MAX_TITLE) || "(no title)";
}
