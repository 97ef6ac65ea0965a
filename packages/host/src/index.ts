export { type EffectiveConfig, HostConfig, variableOf } from "./config.ts";
export { defineModule, type Module, type ModuleBasics, type ModuleContext, type PortName, type Ports } from "./module.ts";
export { type RunningHost, runHost, type StartOptions, startHost } from "./run-host.ts";
