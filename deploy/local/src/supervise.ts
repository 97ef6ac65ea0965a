import type { RunningPart } from "./parts.ts";
import { identityOf } from "./process-identity.ts";
import { nextStart } from "./restart.ts";
import type { Exit, RunningService } from "./service-process.ts";
import type { Unit } from "./state-file.ts";

export interface Supervisor {
  /** Begins to watch a service; the next one of the same id takes its place. */
  service(id: string, service: RunningService): void;
  part(part: RunningPart): void;
  /** It did not even start. */
  failed(id: string, address: string, reason: string): void;
  units(): readonly Unit[];
  /** From now on what has ended is started again; until then it is only noted, for a start that fails is undone as a whole. */
  begin(): void;
  /** Starts nothing again from now on. */
  stop(): void;
}

export interface SuperviseOptions {
  readonly version: string;
  readonly restartService: (id: string) => Promise<RunningService>;
  readonly onChange: () => void;
  readonly onProgress: (line: string) => void;
  readonly now?: () => number;
}

/** Starts again what ends by itself, with a back-off that doubles up to half a minute, and keeps what `status` shows. */
export function createSupervisor(options: SuperviseOptions): Supervisor {
  const { version, restartService, onChange, onProgress, now = Date.now } = options;
  const units = new Map<string, Unit>();
  const failures = new Map<string, number>();
  const timers = new Set<NodeJS.Timeout>();
  const endedBefore: (() => void)[] = [];
  let begun = false;
  let stopping = false;

  const set = (id: string, change: Partial<Unit> & Pick<Unit, "kind" | "version" | "address" | "state">): void => {
    units.set(id, { restarts: 0, ...units.get(id), ...change, id });
    onChange();
  };
  const running = (pid: number | undefined) => {
    const identity = pid === undefined ? undefined : identityOf(pid);
    return identity === undefined ? {} : { process: identity };
  };

  function again(unit: Unit, ranMs: number, code: number | null, reason: string, start: () => Promise<void>): void {
    if (stopping) return;
    if (!begun) return void endedBefore.push(() => again(unit, ranMs, code, reason, start));
    const { failures: count, delayMs } = nextStart(failures.get(unit.id) ?? 0, ranMs, code);
    failures.set(unit.id, count);
    const { process: _gone, ...rest } = unit;
    units.set(unit.id, { ...rest, state: "waiting", lastExit: reason, nextStartAt: now() + delayMs });
    onChange();
    onProgress(`${unit.id}: ${reason}; started again in ${(delayMs / 1_000).toFixed(1)} s`);
    const timer = setTimeout(() => {
      timers.delete(timer);
      if (stopping) return;
      const startedAt = now();
      const { nextStartAt: _past, ...waiting } = units.get(unit.id) as Unit;
      units.set(unit.id, { ...waiting, state: "starting", restarts: waiting.restarts + 1 });
      onChange();
      start().catch((error: unknown) => again(units.get(unit.id) as Unit, now() - startedAt, exitCodeIn(error), oneLine(error), start));
    }, delayMs);
    timers.add(timer);
  }

  const unitOf = (id: string): Unit => units.get(id) as Unit;
  const watchService = (id: string, service: RunningService): void => {
    const startedAt = now();
    void service.exited.then((exit) =>
      again(unitOf(id), now() - startedAt, exit.code, `${told(exit)}${lastLine(service.output())}`, async () => {
        self.service(id, await restartService(id));
      }),
    );
  };
  const watchPart = (part: RunningPart): void => {
    const startedAt = now();
    void part.exited().then((exit) =>
      again(unitOf(part.name), now() - startedAt, exit.code, told(exit), async () => {
        await part.resume();
        self.part(part);
      }),
    );
  };

  const self: Supervisor = {
    service(id, service) {
      set(id, { kind: "service", version, address: service.address, state: "up", ...running(service.pid) });
      watchService(id, service);
    },
    part(part) {
      set(part.name, { kind: "part", version: part.version, address: part.address, state: "up", ...running(part.pid()) });
      watchPart(part);
    },
    failed(id, address, reason) {
      set(id, { kind: "service", version, address, state: "waiting" });
      again(unitOf(id), 0, exitCodeIn(new Error(reason)), oneLine(new Error(reason)), async () => {
        self.service(id, await restartService(id));
      });
    },
    units: () => [...units.values()],
    begin() {
      begun = true;
      for (const tell of endedBefore.splice(0)) tell();
    },
    stop() {
      stopping = true;
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
  return self;
}

const told = ({ code, signal }: Exit): string => (signal === null ? `ended with exit code ${code}` : `ended by ${signal}`);

/** The line in which a service of ours says why it ends. */
function lastLine(output: string): string {
  const said = output.split("\n").findLast((line) => line.startsWith("tocsin: "));
  return said === undefined ? "" : `: ${said.slice("tocsin: ".length)}`;
}

/** What `startProcess` says of a program that ended before it was ready, in one line. */
function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return `${text.split("\n", 1)[0]?.replace(/:$/, "")}${lastLine(text)}`;
}
const exitCodeIn = (error: unknown): number | null => {
  const code = /ended with (\d+)/.exec(error instanceof Error ? error.message : "")?.[1];
  return code === undefined ? null : Number(code);
};
