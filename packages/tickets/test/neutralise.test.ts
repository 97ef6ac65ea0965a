import { readQuickActions, readReferences } from "@tocsin/testkit";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { incidentMarker } from "../src/marker.ts";
import { neutralise, neutraliseLine, neutraliseMarkdown, neutraliseTitle } from "../src/neutralise.ts";

const shown = (text: string) => text.replaceAll("\u2060", "");
const ways = { neutralise, neutraliseLine, neutraliseMarkdown };
const does = (text: string) => ({ actions: readQuickActions(text).actions, ...readReferences(text) });
const nothing = { actions: [], mentions: [], references: [] };

describe.each(Object.entries(ways))("%s", (_name, way) => {
  test.each([
    "/close",
    "a\n/close",
    "a\r/close\rb",
    "a\u2028/close",
    "a\u0085/close",
    "  \t/close",
    "\u00a0/close",
    "\u3000/close",
    "\u200b/close",
    "\u200d\u2060\ufeff/close",
    "\u202e/close",
    "\u00ad/close",
    "\ufe0f/close",
    "\u0301/close",
    "\u115f/close",
    "\u0000/close",
    "\u{e0020}/close",
    "\uff0fclose",
    "\u2215close",
    "/CLOSE",
    "/label ~bug ~security",
    "```\n```\n/close",
    "~~~\n~~~\n/close",
    "~~~\n```\n~~~\n/close",
    "````\n```\n````\n/close",
    "```x`\n/close",
    "<pre>\n/close\n</pre>",
    "a\n\n/assign @root\n/confidential",
  ])("leaves no command in %j", (text) => {
    expect(does(way(text))).toEqual(nothing);
    expect(does(`before\n${way(text)}\nafter`)).toEqual(nothing);
  });

  test.each([
    "@all and @root",
    'see #1, !2, ~bug, ~"a b", %3, &4, $5, ^alert#6',
    "group/project#1",
    "&#64;root &commat;root &amp;#64;root",
    "\\@root",
    "a`@root",
    "@\u200broot",
    "[vulnerability:1]",
  ])("notifies nobody and references nothing in %j", (text) => {
    expect(does(way(text))).toEqual(nothing);
  });

  test("leaves no HTML, so that no marker can be forged", () => {
    const forged = way(`${incidentMarker("inc_1")}<img src=x onerror=alert(1)><script>`);
    expect(forged).not.toMatch(/[<>]/);
    expect(shown(forged)).toContain("&lt;img");
  });

  test("takes secrets out", () => {
    const text =
      "PASSWORD=hunter22 glpat-abcdefghij1234567890 postgres://app:s3cr3t@db/x Bearer abcdefghijklmnop eyJhbGciOiJI.eyJzdWIiOiIx.sig AKIAABCDEFGHIJKLMNOP";
    expect(shown(way(text))).not.toMatch(/hunter22|abcdefghij1234|s3cr3t|abcdefghijklmnop|eyJzdWIi|AKIAABC/);
  });

  test("cuts what is too long, and never inside a character", () => {
    const cut = way("\u{1F600}".repeat(50), 33);
    expect(cut.isWellFormed()).toBe(true);
    expect(cut).toMatch(/…$/);
    expect(way("short", 5)).toBe("short");
  });

  test("does nothing, whatever the text", () => {
    const nasty = fc.array(
      fc.constantFrom(
        ..."/|/close|/label ~x|\n|\r|\u2028|\t| |\u200b|\u2060|\ufeff|\u00ad|\uff0f|@|root|#|1|!|~|%|$|^|&|&#64;|&#47;|&sol;|`|```|~~~|<|>|<!--|-->|[|]|(|)|\\|*|_|- |> |# |a|\u0301|\ud800|\udc00|https://|x".split(
          "|",
        ),
      ),
      { maxLength: 30 },
    );
    void fc.assert(
      fc.property(nasty, (parts) => {
        expect(does(`x\n${way(parts.join(""))}\ny`)).toEqual(nothing);
      }),
      { numRuns: 3_000 },
    );
  });
});

test("plain text has no markup left and reads as it was written", () => {
  expect(shown(neutralise("*a* _b_ `c` [d](e) |f| https://x.example/?a=1&b=2"))).toBe(
    "\\*a\\* \\_b\\_ \\`c\\` \\[d\\](e) \\|f\\| https://x.example/?a=1&amp;b=2",
  );
  expect(neutralise("see https://evil.example")).not.toContain("https://");
});

test("a line is one line", () => {
  expect(neutraliseLine(" a\n\nb\u2028c ")).toBe("a b c");
});

describe("Markdown", () => {
  test("keeps headings, lists, emphasis, tables and code", () => {
    const text =
      "# Cause\n\n## What happened\n\n- **payments** ran out of memory\n- `heap` grew\n\n| a | b |\n|---|---|\n\n```\nx = 1\n```";
    expect(neutraliseMarkdown(text)).toBe(text);
  });

  test("keeps no links, images, diagrams or languages of code", () => {
    const text = shown(neutraliseMarkdown("![i](http://x/y.png) [t](http://x)\n```mermaid\ngraph\n```"));
    expect(text).toBe("![i]\\(http://x/y.png) [t]\\(http://x)\n```\ngraph\n```");
  });

  test("closes a fence that was left open", () => {
    expect(neutraliseMarkdown("```\ncode")).toBe("```\ncode\n```");
  });
});

describe("a title", () => {
  test("is one line of at most 255 characters that references nobody", () => {
    const title = neutraliseTitle(`/close\n@root #1 ${"@a ".repeat(200)}`);
    expect(title.length).toBeLessThanOrEqual(255);
    expect(title).not.toContain("\n");
    expect(readReferences(title)).toEqual({ mentions: [], references: [] });
  });

  test("is never empty", () => {
    expect(neutraliseTitle(" \u200b ")).toBe("(no title)");
  });
});
