import { existsSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../..", import.meta.url));

/** Where a data set is, or undefined with a line that says so. */
export function dataFolder(name: string): string | undefined {
  const folder = join(process.env["TOCSIN_EVAL_DATA"] ?? join(root, "../shared/data"), name);
  if (existsSync(folder)) return folder;
  process.stderr.write(`skipped: no ${name} data at ${folder}\n`);
  return undefined;
}

export const say = (record: object): void => void process.stdout.write(`${JSON.stringify(record)}\n`);

/** The first line of a report: on what it was measured, and with which configuration. */
export const sayMachine = (suite: string, config: object): void =>
  say({ suite, node: process.version, cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, config });

export const rounded = (value: number, digits = 3): number => Math.round(value * 10 ** digits) / 10 ** digits;
