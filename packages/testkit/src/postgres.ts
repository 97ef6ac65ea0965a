import { execFile, execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { chown } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { eventually } from "./eventually.ts";
import { takePlace } from "./place.ts";
import { findProgram } from "./real.ts";
import { type Place, type RunningProcess, startProcess } from "./real-process.ts";

const run = promisify(execFile);

/** The programs it takes, for `lacks(...)`. */
export const POSTGRES_PROGRAMS = ["postgres", "initdb", "pg_isready", "createdb"] as const;

export interface RunningPostgres {
  readonly port: number;
  /** The server that runs now. */
  readonly server: () => RunningProcess;
  /** Makes an empty database, unless it is there. @returns its URL */
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
export async function startPostgres(settings: Readonly<Record<string, string>> = {}, place?: Place): Promise<RunningPostgres> {
  const user = process.getuid?.() === 0 ? { uid: idOf("-u"), gid: idOf("-g") } : {};
  const { folder, port, printing, leave } = await takePlace("postgres", place);
  if (user.uid !== undefined) await chown(folder, user.uid, user.gid);
  const options = { ...user, cwd: folder };
  const program = (name: string) => findProgram(name) ?? name;
  const data = join(folder, "data");
  if (!existsSync(join(data, "PG_VERSION")))
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
      { ...options, ...printing },
    );
  let server: RunningProcess = await start();

  return {
    port,
    server: () => server,
    async createDatabase(name) {
      await run(program("createdb"), ["-h", "127.0.0.1", "-p", String(port), "-U", "postgres", name]).catch(
        (error: { stderr?: string }) => {
          if (!/already exists/.test(error.stderr ?? "")) throw error;
        },
      );
      return `postgres://postgres@127.0.0.1:${port}/${name}`;
    },
    async halt(signal = "SIGINT") {
      const backends = childrenOf(server.child.pid);
      await server.stop(signal);
      // Those of a killed server notice it a moment later: until then they answer, and keep a new server from the data.
      await eventually("its backends have ended", () => (backends.some(isAlive) ? undefined : true));
    },
    async resume() {
      server = await start();
    },
    async stop() {
      await server.stop("SIGINT");
      await leave();
    },
  };
}

/** Processes of Linux below the given one. */
const childrenOf = (pid: number | undefined): number[] =>
  existsSync(`/proc/${pid}/task/${pid}/children`)
    ? readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number)
    : [];

/** What has ended and was not waited for by its new parent (`Z`) answers nobody any more. */
const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}/stat`) && !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));

const idOf = (flag: "-u" | "-g"): number => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
