import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { GitlabSyncConfig } from "../src/config.ts";

test("the README explains every option", () => {
  const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
  const variable = (key: string) => `TOCSIN_GITLAB_SYNC_${key.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase()}`;
  expect(Object.keys(GitlabSyncConfig.shape).filter((key) => !readme.includes(`\`${variable(key)}\``))).toEqual([]);
});
