import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError } from "@tocsin/runtime";
import { afterEach, expect, test } from "vitest";
import { createLogger } from "../src/logger.ts";

const folder = mkdtempSync(join(tmpdir(), "tocsin-log-"));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("writes JSON lines without secrets, and errors with code and cause", () => {
  const file = join(folder, "deep", "tocsin.log");
  const log = createLogger({ level: "info", file, version: "1.2.3" });
  log.child({ component: "bridge" }).info({ token: "s3cret", request: { headers: { authorization: "Bearer s3cret" } } }, "hello");
  log.error({ err: new AppError("A_B", "outer", { cause: new Error("inner"), details: { query: "up" } }) }, "failed");
  log.debug({}, "not at this level");
  log.flush();
  const text = readFileSync(file, "utf8");
  const lines = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(text).not.toContain("s3cret");
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatchObject({ level: "info", component: "bridge", version: "1.2.3", msg: "hello", token: "[redacted]" });
  expect(lines[1]).toMatchObject({ err: { code: "A_B", message: "outer", cause: { message: "inner" } } });
});
