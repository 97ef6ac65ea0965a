import { freePort, startProcess } from "@tocsin/testkit";
import { serviceCommand } from "./service-command.ts";
import { ROOT, type ServiceName } from "./services.ts";

export interface ServiceOptions {
  /** Over the environment of this process. `TOCSIN_PORT` unset means a free port. */
  readonly env: Readonly<Record<string, string>>;
  /** Where its log is added; without, the last 8 KiB are kept for `output`. */
  readonly logFile?: string;
  /** How long it may take until it listens, in milliseconds. Default 180,000: on a busy machine many start at once. */
  readonly timeoutMs?: number;
  /** Told as soon as the process exists. */
  readonly onSpawn?: (pid: number) => void;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningService {
  readonly service: ServiceName;
  readonly pid: number;
  readonly address: string;
  /** Sends it and returns at once; `exited` tells when it has gone. A process that has gone already is left alone. */
  kill(signal: NodeJS.Signals): void;
  readonly exited: Promise<Exit>;
  /** What it printed last. */
  output(): string;
  /** Does `/readyz` say that all it needs is up? */
  ready(): Promise<boolean>;
  /** SIGTERM, SIGKILL after `TOCSIN_STOP_SECONDS` and a bit; resolves when it has gone. */
  stop(): Promise<void>;
}

/** A service stops by itself within 25 s or gives up; this is for one that does neither, in milliseconds. */
const HARD_STOP_MS = 27_000;

/**
 * Starts one service of Tocsin as a process of its own and waits until it listens.
 *
 * @throws Error with what it printed last when it ends before, or takes longer than `timeoutMs`
 */
export async function startService(service: ServiceName, options: ServiceOptions): Promise<RunningService> {
  const { env, logFile, timeoutMs = 180_000, onSpawn } = options;
  const port = env["TOCSIN_PORT"] && env["TOCSIN_PORT"] !== "0" ? Number(env["TOCSIN_PORT"]) : await freePort();
  const address = `http://127.0.0.1:${port}`;
  const exited = Promise.withResolvers<Exit>();
  const { program, args, env: given } = serviceCommand(service);
  const { child, output } = await startProcess(
    program,
    args,
    async () => (await fetch(`${address}/livez`, { signal: AbortSignal.timeout(1_000) })).ok,
    {
      cwd: ROOT,
      env: { ...given, ...process.env, ...env, TOCSIN_PORT: String(port) },
      timeoutMs,
      ...(logFile === undefined ? {} : { logFile }),
      onSpawn(spawned) {
        spawned.once("exit", (code, signal) => exited.resolve({ code, signal }));
        if (spawned.pid !== undefined) onSpawn?.(spawned.pid);
      },
    },
  ).catch((error: Error) => {
    throw new Error(error.message.replace(program, service));
  });
  return {
    service,
    pid: child.pid as number,
    address,
    kill: (signal) => void child.kill(signal),
    exited: exited.promise,
    output,
    ready: () =>
      fetch(`${address}/readyz`, { signal: AbortSignal.timeout(3_000) }).then(
        (answer) => answer.ok,
        () => false,
      ),
    async stop() {
      child.kill("SIGTERM");
      const hard = setTimeout(() => child.kill("SIGKILL"), HARD_STOP_MS);
      await exited.promise;
      clearTimeout(hard);
    },
  };
}
