import { expect, test } from "vitest";
import { autonomyInWords, proseOf } from "../../../src/ui/view/runbook.ts";

const text = "---\nid: a\n---\n\n# Restart it\n\nIt hangs.\n\n# Other\n";

test("the title that the page shows already is not told twice; any other heading stays", () => {
  expect(proseOf(text, "Restart it").trim()).toBe("It hangs.\n\n# Other");
  expect(proseOf(text, "Another title").trim()).toBe("# Restart it\n\nIt hangs.\n\n# Other");
  expect(proseOf("# Restart it", "Restart it")).toBe("# Restart it");
});

test("autonomy has words, and what is no level stays as it is", () => {
  expect(autonomyInWords("L2")).toBe("acts after a yes (L2)");
  expect(autonomyInWords("L9")).toBe("L9");
});
