// `npm run stack -- up|down|status`: see `--help`.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "@tocsin/testkit";
import { missingPart } from "../parts.ts";
import { reachableByPostgres } from "../postgres-folder.ts";
import { isSame, MARK } from "../process-identity.ts";
import { GIVEN_BY } from "../start-stack.ts";
import { readState, type StackState } from "../state-file.ts";
import { statusOf, statusTable } from "../status.ts";
import { stopAll } from "../stop-all.ts";
import { HELP, readCommand, type StackCommand } from "./options.ts";
import type { StackOrder } from "./supervisor.ts";

/** Settings that each process gets from the stack itself. */
const OURS = /^TOCSIN_(PORT|HOST|MODULES|LAB_PORT|LAB_URL|LOG_FILE|CONSOLE_UPSTREAMS|STACK|REQUIRE_REAL)$/;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

function given(): Record<string, string> {
  const set = Object.entries(process.env).filter(([name, value]) => name.startsWith("TOCSIN_") && !OURS.test(name) && value);
  return Object.fromEntries(set) as Record<string, string>;
}

/** @returns the exit code */
async function up(command: StackCommand): Promise<number> {
  const { folder } = command;
  const before = readState(folder);
  if (before !== undefined && isSame(before.supervisor) && before.phase !== "failed") {
    say(`it is ${before.phase === "partly" ? "up in part" : before.phase} already; \`npm run stack -- status\` shows it, \`down\` ends it`);
    process.stdout.write(`${before.address ?? ""}\n`);
    return 0;
  }
  if ((await stopAll(folder, say)) > 0) say("ended what an earlier stack had left over");

  const env = given();
  const ownStore = env[GIVEN_BY.postgres as string];
  const whyNoStore = ownStore === undefined ? missingPart("postgres") : undefined;
  if (!command.parts.includes("postgres") && ownStore === undefined) throw new Error("without Postgres, set TOCSIN_STORE_URL=postgres://…");
  if (whyNoStore !== undefined) throw new Error(`services share a Postgres, and here ${whyNoStore}; or set TOCSIN_STORE_URL=postgres://…`);
  if (command.targets === "docker" && !command.parts.includes("docker")) throw new Error("--targets docker wants --with docker");

  mkdirSync(join(folder, "logs"), { recursive: true });
  const order: StackOrder = {
    folder,
    parts: command.parts,
    replicas: command.replicas,
    env,
    consolePort: command.port ?? ((await isFree(8080)) ? 8080 : await freePort()),
    targets: command.targets,
  };
  const startedAt = Date.now();
  const log = openSync(join(folder, "logs", "supervisor.log"), "a");
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", fileURLToPath(new URL("supervisor.ts", import.meta.url)), JSON.stringify(order)],
    // In a session of its own: Ctrl-C in this terminal is not for it, and it outlives the terminal.
    { detached: true, stdio: ["ignore", log, log], env: { ...process.env, [MARK]: folder } },
  );
  closeSync(log);
  child.unref();
  const state = await follow(folder, child);
  if (state?.phase !== "up") {
    say(`not everything started; logs: ${join(folder, "logs")}`);
    if (state?.phase === "partly")
      say("the rest runs, and what is missing is tried again; `npm run stack -- status` shows it, `down` ends it");
    else await stopAll(folder, say);
    return 1;
  }
  say(
    `\n  Tocsin is up after ${((Date.now() - startedAt) / 1_000).toFixed(0)} s: every service its own process, data and logs in ${folder}`,
  );
  say("  npm run stack -- status    npm run stack -- down\n");
  process.stdout.write(`${state.address ?? ""}\n`);
  return 0;
}

/** Shows what the supervisor tells until it is done. Ctrl-C here ends what it has started. */
async function follow(folder: string, child: ChildProcess): Promise<StackState | undefined> {
  let ended = false;
  child.once("exit", () => {
    ended = true;
  });
  process.once("SIGINT", () => {
    say("stopping again …");
    void stopAll(folder, say).then(() => process.exit(130));
  });
  for (let shown = 0; ; await delay(100)) {
    const last = ended;
    const state = readState(folder);
    const mine = state?.supervisor.pid === child.pid ? state : undefined;
    for (const line of mine?.progress.slice(shown) ?? []) say(`  ${line}`);
    shown = Math.max(shown, mine?.progress.length ?? 0);
    if (last || (mine !== undefined && /^(up|partly|failed)$/.test(mine.phase))) return mine;
  }
}

async function down({ folder, purge }: StackCommand): Promise<number> {
  const ended = await stopAll(folder, say);
  say(ended === 0 ? "nothing was running" : `down: ${ended} processes ended, none left`);
  if (purge) {
    const postgres = reachableByPostgres(join(folder, "postgres"));
    for (const path of new Set([folder, postgres])) rmSync(path, { recursive: true, force: true });
    say(`removed ${folder}`);
  }
  return 0;
}

async function status({ folder, json }: StackCommand): Promise<number> {
  const state = readState(folder);
  if (state === undefined) {
    say("no stack runs here; `npm run stack -- up` starts one");
    if (json) process.stdout.write('{"running":false}\n');
    return 1;
  }
  const shown = await statusOf(state);
  process.stdout.write(json ? `${JSON.stringify(shown, null, 2)}\n` : statusTable(shown));
  return shown.well ? 0 : 1;
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => {
      socket.destroy();
      resolve(false);
    });
    socket.once("error", () => resolve(true));
  });

async function main(): Promise<number> {
  const command = readCommand(process.argv.slice(2));
  switch (command.action) {
    case "help":
      process.stdout.write(HELP);
      return 0;
    case "up":
      return await up(command);
    case "down":
      return await down(command);
    case "status":
      return await status(command);
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  say(`tocsin stack: ${(error as Error).message.split(". To specify")[0]}`);
  process.exitCode = 2;
}
