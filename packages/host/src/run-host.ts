import { createHttpServer } from "@tocsin/http";
import { AppError, type Clock, createTeardown, type Logger, messageOf, systemClock } from "@tocsin/runtime";
import { createLogger, createRegistry, startTracing } from "@tocsin/telemetry";
import { helpText, readArguments } from "./arguments.ts";
import { type EffectiveConfig, type Env, readConfig, redactConfig, unknownVariables } from "./config.ts";
import { configInvalid, exitCodeOf, moduleUnknown } from "./errors.ts";
import type { Module, ModuleContext, PortName } from "./module.ts";
import { openPorts } from "./open-ports.ts";

const VERSION = "0.1.0";
/** How long `/readyz` says no before anything stops, so that a load balancer has noticed, in milliseconds. */
const DRAIN_MS = 250;

export interface StartOptions {
  readonly modules: readonly Module[];
  readonly env: Env;
  readonly clock?: Clock;
  /** Instead of the one that the configuration describes. */
  readonly log?: Logger;
}

export interface RunningHost {
  /** Base address of the process's HTTP server. */
  readonly address: string;
  readonly config: EffectiveConfig;
  /** Stops everything in reverse order of start; may be called twice. */
  stop(): Promise<void>;
  /** Resolves when a part has failed for good; the process should stop then. */
  readonly failed: Promise<{ readonly module: string; readonly error: unknown }>;
}

/**
 * Starts the chosen modules in one process: configuration, then the parts they need, then each module in the order given, then HTTP.
 *
 * @throws AppError as the part that could not start; what had started by then is stopped again
 */
export async function startHost({ modules, env, clock = systemClock, log: givenLog }: StartOptions): Promise<RunningHost> {
  const { chosen, config } = configure(modules, env);
  const log =
    givenLog ??
    createLogger({
      level: config.host.logLevel,
      version: VERSION,
      ...(config.host.logFile === undefined ? {} : { file: config.host.logFile }),
    });
  const registry = createRegistry();
  const teardown = createTeardown(log.child({ component: "host" }));
  const failure = Promise.withResolvers<{ module: string; error: unknown }>();
  const shownConfig = redactConfig(config) as EffectiveConfig;

  const unknown = unknownVariables(env, modules);
  if (unknown.length > 0) log.warn({ variables: unknown }, "settings that nothing reads");
  try {
    teardown.onStop("flush traces", await startTracing(env, `tocsin-${chosen.length === 1 ? chosen[0]?.name : "platform"}`, log));
    const { host, port, apiToken } = config.host;
    const http = createHttpServer({
      host,
      port,
      log: log.child({ component: "http" }),
      registry,
      version: VERSION,
      ...(apiToken === undefined ? {} : { apiToken }),
    });
    teardown.onStop("close http", () => http.close());

    const needs = new Set(chosen.flatMap((module) => module.needs));
    const fail = (name: string) => (error: unknown) => failure.resolve({ module: name, error });
    const ports = await openPorts({ config: config.host, needs, http, log, registry, clock, onStop: teardown.onStop, fail: fail("host") });

    const ready: (() => Promise<void>)[] = [];
    for (const module of chosen) {
      const context = {
        ...ports,
        config: config.modules[module.name],
        log: log.child({ component: module.name }),
        registry,
        clock,
        onStop: (name: string, step: () => unknown) => teardown.onStop(`${module.name}: ${name}`, step),
        onReady: (step: () => Promise<void>) => void ready.push(step),
        fail: fail(module.name),
        labUrl: config.host.labUrl,
        effectiveConfig: shownConfig,
      } as ModuleContext<never, PortName>;
      await inModule(module.name, () => module.start(context));
    }
    // Listening last and stopping first: nobody is answered before everything stands or after anything has gone.
    await http.listen();
    teardown.onStop("drain", async () => {
      http.drain();
      await clock.sleep(DRAIN_MS);
    });
    for (const step of ready) await step();
    log.info({ address: http.address, modules: chosen.map((module) => module.name) }, "listening");
    return { address: http.address, config, stop: async () => void (await teardown.run()), failed: failure.promise };
  } catch (error) {
    await teardown.run();
    throw error;
  }
}

function configure(modules: readonly Module[], env: Env): { chosen: readonly Module[]; config: EffectiveConfig } {
  const named = (env["TOCSIN_MODULES"] || "all").split(",").map((name) => name.trim());
  const known = modules.map((module) => module.name);
  const all = named.includes("all");
  for (const name of named) if (name !== "all" && !known.includes(name)) throw moduleUnknown(name, known);
  const asked = modules.filter((module) => all || named.includes(module.name));
  const { config, problems } = readConfig(env, asked);
  if (config === undefined) throw configInvalid(problems);
  const chosen = asked.filter((module) => named.includes(module.name) || (module.when?.(config.host) ?? true));
  return { chosen, config };
}

/** What a module throws says which module it was. */
async function inModule(name: string, start: () => Promise<void>): Promise<void> {
  try {
    await start();
  } catch (error) {
    if (AppError.is(error)) throw error;
    throw new AppError("MODULE_START_FAILED", `${name} could not start: ${messageOf(error)}`, { cause: error });
  }
}

export interface RunOptions {
  /** Told once when everything listens. */
  readonly onStarted?: (host: RunningHost) => void;
}

/**
 * The whole life of a process: arguments, start, signals, stop, exit code (0 clean, 1 a part failed, 2 wrong set-up). The only place
 * that touches `process`.
 */
export async function runHost(modules: readonly Module[], { onStarted }: RunOptions = {}): Promise<void> {
  let stopping: Promise<void> | undefined;
  let host: RunningHost | undefined;
  try {
    const { action } = readArguments(process.argv.slice(2));
    if (action !== "run") {
      process.stdout.write(answer(action, modules, process.env));
      return;
    }
    // A signal while starting waits for the start: half a start cannot be stopped in order.
    const starting = startHost({ modules, env: process.env });
    const stop = (code: number): Promise<void> => {
      stopping ??= (async () => {
        const running = await starting.catch(() => undefined);
        const hard = setTimeout(() => process.exit(1), (running?.config.host.stopSeconds ?? 25) * 1_000);
        hard.unref();
        await running?.stop();
        process.exit(code);
      })();
      return stopping;
    };
    const onSignal = () => {
      if (stopping !== undefined) process.exit(1); // the second one means now
      void stop(0);
    };
    process.on("SIGTERM", onSignal);
    process.on("SIGINT", onSignal);
    host = await starting;
    onStarted?.(host);
    void host.failed.then(({ module, error }) => {
      const code = AppError.is(error) ? ` (${error.code})` : "";
      process.stderr.write(`tocsin: ${module} failed: ${messageOf(error)}${code}\n`);
      return stop(exitCodeOf(error));
    });
  } catch (error) {
    if (stopping !== undefined) return stopping;
    process.stderr.write(
      `tocsin: ${AppError.is(error) ? `${error.message} (${error.code})` : ((error as Error).stack ?? messageOf(error))}\n`,
    );
    process.exit(exitCodeOf(error));
  }
}

function answer(action: "help" | "check-config" | "print-config" | "list-modules", modules: readonly Module[], env: Env): string {
  if (action === "help") return helpText(modules.map((module) => module.name));
  if (action === "list-modules") return modules.map((module) => `${module.name}\n`).join("");
  const { config } = configure(modules, env);
  if (action === "print-config") return `${JSON.stringify(redactConfig(config), null, 2)}\n`;
  const unknown = unknownVariables(env, modules);
  return `configuration is good\n${unknown.map((name) => `note: ${name} is read by nothing here\n`).join("")}`;
}
