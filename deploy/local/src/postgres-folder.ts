import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Where Postgres can keep its data. It refuses to run as root and runs as the user `postgres` then, who cannot enter every folder that
 * root can (`/root`, most often). Its data then lies in a folder of its own in `/var/tmp`, whose name is made from the folder wished for,
 * so that the next start finds it again.
 */
export function reachableByPostgres(folder: string): string {
  if (process.getuid?.() !== 0) return folder;
  mkdirSync(folder, { recursive: true });
  const [uid, gid] = ["-u", "-g"].map((flag) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }))) as [number, number];
  try {
    execFileSync("test", ["-x", folder], { uid, gid, cwd: "/" });
    return folder;
  } catch {
    const name = createHash("sha256").update(folder).digest("hex").slice(0, 12);
    return join(existsSync("/var/tmp") ? "/var/tmp" : tmpdir(), `tocsin-postgres-${name}`);
  }
}
