// The process behind `npm run stack -- up`: starts everything, keeps it running, and notes in the state file what there is. It gets its
// order as one JSON argument. SIGTERM ends everything in order.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { PartName } from "../parts.ts";
import { identityOf, type ProcessIdentity } from "../process-identity.ts";
import { type Replicas, ROOT } from "../services.ts";
import { type RunningStack, startStack } from "../start-stack.ts";
import { removeState, type StackState, writeState } from "../state-file.ts";
import { createSupervisor } from "../supervise.ts";

export interface StackOrder {
  readonly folder: string;
  readonly parts: readonly PartName[];
  readonly replicas: Replicas;
  readonly env: Readonly<Record<string, string>>;
  readonly consolePort: number;
  readonly targets: "lab" | "docker";
}

/** How old the counts of shipped lines that `status` shows may be. */
const NOTE_LOGS_MS = 3_000;

const order = JSON.parse(process.argv[2] ?? "{}") as StackOrder;
const { folder } = order;
const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
const progress: string[] = [];
let phase: StackState["phase"] = "starting";
let stack: RunningStack | undefined;
let stopping = false;
const failed: { readonly id: string; readonly address: string; readonly error: Error }[] = [];

const supervisor = createSupervisor({
  version,
  restartService: (id) => (stack as RunningStack).restart(id),
  onChange: note,
  onProgress: tell,
});

function note(): void {
  writeState(folder, {
    supervisor: identityOf(process.pid) as ProcessIdentity,
    phase,
    ...(stack?.address === undefined ? {} : { address: stack.address }),
    progress,
    units: supervisor.units(),
    ...(stack?.logAgent === undefined ? {} : { logs: stack.logAgent.counts() }),
  });
}
function tell(line: string): void {
  progress.push(line);
  if (progress.length > 500) progress.splice(0, progress.length - 500);
  process.stdout.write(`${new Date().toISOString()} ${line}\n`);
  note();
}

async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  phase = "stopping";
  supervisor.stop();
  note();
  await starting;
  await stack?.stop();
  removeState(folder);
  process.exit(0);
}
process.on("SIGTERM", () => void stop());
process.on("SIGINT", () => void stop());

note();
const starting = startStack({
  ...order,
  onProgress: tell,
  onPart: (part) => supervisor.part(part),
  // Services that are there are watched from when all are.
  onFailure: (replica, error) => failed.push({ id: replica.id, address: `http://127.0.0.1:${replica.port}`, error }),
  ...(order.targets === "docker" ? { envOfParts: (parts) => ({ TOCSIN_TARGETS_URL: `docker://${parts.get("docker")?.address}` }) } : {}),
}).then(
  (started) => {
    stack = started;
    for (const [id, service] of started.services) supervisor.service(id, service);
    for (const { id, address, error } of failed) supervisor.failed(id, address, error.message);
    supervisor.begin();
    phase = failed.length === 0 ? "up" : "partly";
    note();
    if (started.logAgent !== undefined) setInterval(() => stopping || note(), NOTE_LOGS_MS).unref();
  },
  (error: unknown) => {
    supervisor.stop();
    phase = "failed";
    tell(error instanceof Error ? error.message : String(error));
    process.exitCode = 1; // what had started was stopped again, so nothing is left to stay for
  },
);
await starting;
