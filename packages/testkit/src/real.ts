import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Where a program is, or undefined. Looks in PATH and where Debian keeps servers. */
export function findProgram(name: string): string | undefined {
  for (const folder of [
    ...(process.env["PATH"] ?? "").split(delimiter),
    "/usr/sbin",
    "/usr/bin",
    "/usr/lib/postgresql/15/bin",
    "/usr/lib/postgresql/17/bin",
  ]) {
    try {
      const path = join(folder, name);
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not in this folder
    }
  }
  return undefined;
}

/**
 * Should a suite that needs a real program be skipped? Says so on standard error; with `TOCSIN_REQUIRE_REAL=1` a missing program is an
 * error, so that CI never passes by skipping.
 *
 * @example describe.skipIf(lacks("redis-server"))("redis cache", …)
 */
export function lacks(...programs: readonly string[]): boolean {
  const missing = programs.filter((name) => findProgram(name) === undefined);
  if (missing.length === 0) return false;
  if (process.env["TOCSIN_REQUIRE_REAL"] === "1") throw new Error(`TOCSIN_REQUIRE_REAL=1, but not installed: ${missing.join(", ")}`);
  process.stderr.write(`skipped: needs ${missing.join(", ")}\n`);
  return true;
}
