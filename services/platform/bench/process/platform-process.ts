import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));

export interface RunningPlatform {
  /** From `npm start` to the first good answer of `/readyz`. */
  readonly readyMs: number;
  get<T>(path: string): Promise<T>;
  /** @returns the status */
  post(path: string, body: unknown): Promise<number>;
  postJson<T>(path: string, body: unknown): Promise<T>;
  /** Of the platform's process and all its descendants; what they share counts once. */
  residentMiB(): number;
  stop(): Promise<void>;
}

/** Starts the platform exactly as a user does, in a process group of its own. */
export async function startPlatform(env: Readonly<Record<string, string>>): Promise<RunningPlatform> {
  const startedAt = performance.now();
  const child = spawn("npm", ["start", "--silent"], {
    cwd: ROOT,
    env: { ...process.env, TOCSIN_LOG_LEVEL: "warn", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      printed = (printed + chunk.toString()).slice(-8_192);
    });
  const group = child.pid as number;
  const killAtExit = () => process.kill(-group, "SIGKILL");
  process.once("exit", killAtExit);
  const address = `http://127.0.0.1:${env["TOCSIN_PORT"]}`;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the platform ended with ${child.exitCode}:\n${printed}`);
    if (performance.now() - startedAt > 120_000) throw new Error(`the platform is not ready:\n${printed}`);
    const isReady = await fetch(`${address}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (isReady) break;
    await delay(20);
  }
  const readyMs = performance.now() - startedAt;

  const request = async (path: string, body?: unknown): Promise<Response> =>
    fetch(
      address + path,
      body === undefined ? {} : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) },
    );
  async function json<T>(answer: Response): Promise<T> {
    if (!answer.ok) throw new Error(`${answer.url}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }
  return {
    readyMs,
    get: async (path) => json(await request(path)),
    postJson: async (path, body) => json(await request(path, body)),
    async post(path, body) {
      const answer = await request(path, body);
      await answer.arrayBuffer();
      return answer.status;
    },
    residentMiB: () => Math.round(residentKiB(group) / 1024),
    async stop() {
      process.removeListener("exit", killAtExit);
      const ended = once(child, "exit");
      if (child.exitCode === null) {
        process.kill(-group, "SIGINT"); // what Ctrl-C does
        await ended;
      }
    },
  };
}

/**
 * Memory of a process and all its descendants, npm and the starter left out, read from /proc: proportional set sizes, in which a page that
 * several processes share, such as the Node program itself, counts once.
 */
function residentKiB(root: number): number {
  const children = new Map<number, number[]>();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const stat = tryRead(`/proc/${pid}/stat`);
    const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(pid)]);
  }
  let sum = 0;
  const visit = (pid: number): void => {
    const command = tryRead(`/proc/${pid}/cmdline`);
    if (!/npm|run\.mjs|^sh\0/.test(command)) sum += Number(/^Pss:\s+(\d+)/m.exec(tryRead(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0);
    for (const child of children.get(pid) ?? []) visit(child);
  };
  visit(root);
  return sum;
}

/** Empty when the process has ended meanwhile. */
function tryRead(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
