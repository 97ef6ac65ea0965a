import { execFile, execFileSync } from "node:child_process";
import { chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "./free-port.ts";
import { findProgram } from "./real.ts";
import { type RunningProcess, startProcess } from "./real-process.ts";

const run = promisify(execFile);

/** The programs it takes, for `lacks(...)`. */
export const POSTGRES_PROGRAMS = ["postgres", "initdb", "pg_isready", "createdb"] as const;

export interface RunningPostgres {
  readonly port: number;
  /** Makes an empty database. @returns its URL */
  createDatabase(name: string): Promise<string>;
  /** Ends the server: `SIGTERM` waits for clients, `SIGINT` (default) drops them, `SIGKILL` is a crash. The data stays. */
  halt(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same data and port, with recovery when it was killed. */
  resume(): Promise<void>;
  /** Ends the server and removes its data. */
  stop(): Promise<void>;
}

/**
 * A real PostgreSQL on a free port of 127.0.0.1 with data of its own. It refuses to run as root, so that under root it runs as the user
 * `postgres` of Debian's package.
 */
export async function startPostgres(settings: Readonly<Record<string, string>> = {}): Promise<RunningPostgres> {
  const user = process.getuid?.() === 0 ? { uid: idOf("-u"), gid: idOf("-g") } : {};
  const folder = await mkdtemp(join(tmpdir(), "tocsin-postgres-"));
  const port = await freePort();
  if (user.uid !== undefined) await chown(folder, user.uid, user.gid);
  const options = { ...user, cwd: folder };
  const program = (name: string) => findProgram(name) ?? name;
  const data = join(folder, "data");
  await run(program("initdb"), ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"], options);

  // fsync off: a killed server loses nothing by it, only a machine that loses its power does.
  const all = { listen_addresses: "127.0.0.1", unix_socket_directories: "", fsync: "off", ...settings };
  const args = ["-D", data, "-p", String(port), ...Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`])];
  const start = () =>
    startProcess(
      "postgres",
      args,
      async () => {
        await run(program("pg_isready"), ["-h", "127.0.0.1", "-p", String(port), "-U", "postgres"]);
        return true;
      },
      options,
    );
  let server: RunningProcess = await start();

  return {
    port,
    async createDatabase(name) {
      await run(program("createdb"), ["-h", "127.0.0.1", "-p", String(port), "-U", "postgres", name]);
      return `postgres://postgres@127.0.0.1:${port}/${name}`;
    },
    halt: (signal = "SIGINT") => server.stop(signal),
    async resume() {
      server = await start();
    },
    async stop() {
      await server.stop("SIGINT");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const idOf = (flag: "-u" | "-g"): number => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
