import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { apiTypes } from "../../src/ui/api/generate.ts";

test("the client's types are those of the API: run `pnpm api-types` when this fails", async () => {
  expect(readFileSync(new URL("../../src/ui/api/schema.gen.ts", import.meta.url), "utf8")).toBe(await apiTypes());
});
