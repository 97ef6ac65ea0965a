import type { EventBus } from "@tocsin/bus";
import type { Cache } from "@tocsin/cache";
import type { HttpServer } from "@tocsin/http";
import type { Adviser } from "@tocsin/llm";
import type { Clock, Logger, OnStop } from "@tocsin/runtime";
import type { Signals } from "@tocsin/signals";
import type { Store } from "@tocsin/store";
import type { TargetPort } from "@tocsin/targets";
import type { Registry } from "prom-client";
import type * as z from "zod";
import type { EffectiveConfig, HostConfig } from "./config.ts";

/** What a module may ask for in `needs`; `host` opens only what some module of the process needs. */
export interface Ports {
  readonly bus: EventBus;
  readonly store: Store;
  readonly cache: Cache;
  readonly http: HttpServer;
  readonly signals: Signals;
  readonly targets: TargetPort;
  /** Language models, if any: `isConfigured` says so. */
  readonly llm: Adviser;
}
export type PortName = keyof Ports;

/** What every module gets. */
export interface ModuleBasics<Config> {
  readonly config: Config;
  /** Bound to `component: <module>`. */
  readonly log: Logger;
  readonly registry: Registry;
  readonly clock: Clock;
  /** Register the undo right after each acquisition, before the next line can throw. */
  readonly onStop: OnStop;
  /** Adds a step for when every module has started and the process listens. */
  readonly onReady: (step: () => Promise<void>) => void;
  /** Stops the process with exit code 1, naming the module: for a part that cannot go on. */
  readonly fail: (error: unknown) => void;
  /** Where the lab's orchestrator answers, for the modules that talk to it. */
  readonly labUrl: string;
  /** The whole configuration of the process with secrets taken out: for showing, not for reading options from. */
  readonly effectiveConfig: EffectiveConfig;
}

export type ModuleContext<Config, Needs extends PortName> = ModuleBasics<Config> & Pick<Ports, Needs>;

export interface Module<Schema extends z.ZodObject = z.ZodObject, Needs extends PortName = PortName> {
  readonly name: string;
  /** Keys in camelCase become `TOCSIN_<MODULE>_<KEY>`. Values arrive as text: coerce. */
  readonly config: Schema;
  readonly needs: readonly Needs[];
  /** Should it run when all modules are asked for? Absent means always. A module asked for by name runs in any case. */
  readonly when?: (host: HostConfig) => boolean;
  start(context: ModuleContext<z.output<Schema>, Needs>): Promise<void>;
}

/** Declares a service. Nothing happens before `start`; there is no state outside it. */
export function defineModule<Schema extends z.ZodObject, const Needs extends PortName>(module: Module<Schema, Needs>): Module {
  // Inside a list of modules the types of configuration and needs are forgotten; `host` gives each what it declared.
  return module as unknown as Module;
}
