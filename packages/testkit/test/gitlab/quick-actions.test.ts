import { describe, expect, test } from "vitest";
import { readQuickActions, readReferences } from "../../src/gitlab/quick-actions.ts";

describe("quick actions", () => {
  test("run from lines of their own and leave the text", () => {
    expect(readQuickActions("before\n/label ~bug ~x\n/close\nafter")).toEqual({
      kept: "before\nafter",
      actions: [
        { command: "label", argument: "~bug ~x" },
        { command: "close", argument: "" },
      ],
    });
  });

  test.each(["a /close", "http://x/close", "/nothing-known", "// close", "- /close", "> /close"])("do not run from %j", (text) => {
    expect(readQuickActions(text)).toEqual({ kept: text, actions: [] });
  });

  test("do not run from fenced code, and do after it", () => {
    expect(readQuickActions("```\n/close\n```\n/reopen").actions).toEqual([{ command: "reopen", argument: "" }]);
  });

  test.each(["\u200b/close", " /close", "\u00a0/CLOSE", "\uff0fclose", "x\r/close", "x\u2028/close"])(
    "run from the disguise %j",
    (text) => {
      expect(readQuickActions(text).actions).toHaveLength(1);
    },
  );
});

describe("references", () => {
  test("are seen behind entities and escapes, as GitLab sees them", () => {
    expect(readReferences("@a &#64;b \\@c #1 !2 ~bug &3")).toEqual({ mentions: ["a", "b", "c"], references: ["#1", "!2", "~bug", "&3"] });
  });

  test("are not seen in code, in mail addresses or behind a joiner", () => {
    expect(readReferences("`@a #1` x@b.example @\u2060c #\u20601")).toEqual({ mentions: [], references: [] });
  });
});
