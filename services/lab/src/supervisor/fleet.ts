// Terms. The *fleet* is all services of the lab and their load. It acts as a small orchestrator would: restart, start, stop,
// roll back; it keeps what the services print, and it remembers every change that was made to them.
import type { Change, LogLine, Span, Topology } from "@tocsin/contracts";
import { AppError, isoTime, type Logger, messageOf, newId, type OnStop } from "@tocsin/runtime";
import type { ActResult, Target } from "@tocsin/targets";
import { targetUnknown, targetUnsupported } from "../errors.ts";
import { FLEET, type FleetService, peersOf } from "../fleet/fleet-map.ts";
import { startChild, warmUp } from "./child-process.ts";
import { configurationOf } from "./configuration.ts";
import { type ManagedService, manageService } from "./managed-service.ts";
import { readPrintedLine } from "./printed-line.ts";
import { current, previous, type Revision, revisionOf, rolledOut } from "./revision-history.ts";
import { createRing, type Ring } from "./ring.ts";
import { type ActRequest, type ActVerb, GRACE_MS, performAct, type RecordChange } from "./service-act.ts";

export interface Fleet {
  readonly names: readonly string[];
  /** Starts every service, then the load. Resolves when all are healthy or had their time. */
  start(): Promise<void>;
  target(name: string): Target;
  managed(name: string): ManagedService;
  /** The same `operationId` is the same act: done once, answered as often as asked. */
  act(name: string, verb: ActVerb | "scale", request: ActRequest): Promise<ActResult>;
  /** Rolls out a revision and records the change. */
  rollOut(name: string, revision: Revision, change: Pick<Change, "kind" | "text">): Promise<void>;
  logs(name: string): Ring<LogLine>;
  spans(name: string): Ring<Span>;
  /** In ascending time. */
  readonly changes: readonly Change[];
  readonly topology: Topology;
  /** Calls back when a service runs in a new process, or in none since it was stopped. */
  onNewProcess(listener: (name: string) => void): void;
}

export interface FleetOptions {
  readonly log: Logger;
  readonly onStop: OnStop;
  /** Requests a second at the storefront; 0 starts no load. */
  readonly requestsPerSecond: number;
  readonly seed: number;
  /** Base address of an OTLP/HTTP receiver for the services' spans; default none. */
  readonly otlpEndpoint?: string | undefined;
  /** Which services to run; default all. */
  readonly services?: readonly string[];
}

const HEALTHY_MS = 10_000;
const LOG_LINES = 4_000;
const SPANS = 4_000;
const CHANGES = 500;
const OPERATIONS = 500;

/** A fleet at rest; `start` brings it up. */
export function createFleet(options: FleetOptions): Fleet {
  const { log, onStop } = options;
  const chosen = FLEET.filter((service) => options.services?.includes(service.name) ?? true);
  const units = new Map<string, ManagedService>();
  const logs = new Map<string, Ring<LogLine>>();
  const spans = new Map<string, Ring<Span>>();
  const changes: Change[] = [];
  const operations = new Map<string, Promise<ActResult>>();
  /** One act at a time on a service: the next waits for the one before. */
  const turns = new Map<string, Promise<unknown>>();
  const processListeners: ((name: string) => void)[] = [];
  let load: ReturnType<typeof startChild> | undefined;

  const addresses = () =>
    Object.fromEntries([...units].flatMap(([name, unit]) => (unit.address ? [[name, `http://127.0.0.1:${unit.address.port}`]] : [])));
  const tellPeers = () => {
    const peers = addresses();
    for (const unit of units.values()) unit.setPeers(peers);
    load?.setPeers(peers);
  };
  const onNewProcess = (name: string) => {
    tellPeers();
    for (const listener of processListeners) listener(name);
  };
  const unitOf = (name: string): ManagedService => {
    const unit = units.get(name);
    if (!unit) throw targetUnknown(name, [...units.keys()]);
    return unit;
  };
  const record: RecordChange = (service, change, from, to) => {
    const versions = { ...(to ? { version: to.id } : {}), ...(from ? { previousVersion: from.id } : {}) };
    changes.push({ id: newId("chg"), at: isoTime(Date.now()), service, ...change, ...versions });
    if (changes.length > CHANGES) changes.shift();
  };

  for (const [index, service] of chosen.entries()) {
    const lines = createRing<LogLine>(LOG_LINES, (line) => line.at);
    const finished = createRing<Span>(SPANS, (span) => span.startAt);
    logs.set(service.name, lines);
    spans.set(service.name, finished);
    const onLine = (text: string) => {
      const read = readPrintedLine(service.name, text, Date.now() / 1000);
      if ("span" in read) finished.push(read.span);
      else lines.push(read.log);
    };
    const unit = manageService({
      service,
      history: firstHistory(service),
      seed: options.seed + index,
      env: options.otlpEndpoint === undefined ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: options.otlpEndpoint },
      log,
      onLine,
      onListening: () => onNewProcess(service.name),
    });
    units.set(service.name, unit);
  }
  onStop("lab services", () => Promise.all([...units.values()].map((unit) => unit.stop(GRACE_MS))));

  function target(name: string): Target {
    const unit = unitOf(name);
    const before = previous(unit.history);
    return {
      id: name,
      managed: true,
      replicas: [unit.replica],
      revision: current(unit.history).id,
      ...(before ? { previousRevision: before.id } : {}),
      labels: { "tocsin.service": name, version: current(unit.history).version },
      config: configurationOf(current(unit.history)),
    };
  }

  const acting = { target, record, onGone: (name: string) => processListeners.forEach((listener) => void listener(name)) };

  function inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
    const turn = (turns.get(name) ?? Promise.resolve()).then(work, work);
    turns.set(
      name,
      turn.catch(() => {}),
    );
    return turn;
  }

  return {
    names: [...units.keys()],
    async start() {
      await warmUp();
      await Promise.all([...units.values()].map((unit) => unit.start()));
      if (options.requestsPerSecond > 0) {
        load = startChild("load.ts", ["--rate", String(options.requestsPerSecond), "--seed", String(options.seed)], () => {});
        const started = load;
        onStop("lab load", () => started.stop(GRACE_MS));
        void started.listening.then(tellPeers);
      }
      await Promise.all([...units.values()].map((unit) => unit.healthy(HEALTHY_MS)));
    },
    target,
    managed: unitOf,
    async act(name, verb, request) {
      const unit = unitOf(name);
      if (verb === "scale") throw targetUnsupported(`the lab runs one process of ${name}; it cannot be scaled`);
      const known = operations.get(request.operationId);
      if (known !== undefined) return await known;
      const done = inTurn(name, () => performAct(unit, verb, request, acting));
      operations.set(request.operationId, done);
      if (operations.size > OPERATIONS) operations.delete(operations.keys().next().value as string);
      // An act that was refused has not happened, so its id may be used again; one that failed midway may not.
      done.catch((error) => {
        if (AppError.is(error, "TARGET_NO_PREVIOUS", "TARGET_CONFIG_REFUSED")) operations.delete(request.operationId);
        log.warn({ service: name, verb, reason: messageOf(error) }, "lab act failed");
      });
      return done;
    },
    rollOut: (name, revision, change) =>
      inTurn(name, async () => {
        const unit = unitOf(name);
        const from = current(unit.history);
        unit.history = rolledOut(unit.history, revision);
        record(name, change, from, revision);
        await unit.stop(GRACE_MS);
        await unit.start();
      }),
    logs: (name) => ringOf(logs, name, units),
    spans: (name) => ringOf(spans, name, units),
    changes,
    topology: {
      services: chosen.map((service) => ({
        id: service.name,
        dependsOn: [...peersOf(service)],
        labels: { "tocsin.service": service.name },
      })),
    },
    onNewProcess: (listener) => void processListeners.push(listener),
  };
}

/** Every service has run the version before, so that a rollback leads somewhere from the first minute. */
function firstHistory(service: FleetService) {
  const [before, now] = service.versions;
  return { line: [revisionOf(before, [], "initial"), revisionOf(now, [], "initial")], at: 1 };
}

function ringOf<T>(rings: Map<string, Ring<T>>, name: string, units: Map<string, ManagedService>): Ring<T> {
  const ring = rings.get(name);
  if (!ring) throw targetUnknown(name, [...units.keys()]);
  return ring;
}
