export { defineModule, type Module, type ModuleBasics, type ModuleContext, type PortName, type Ports } from "./module.ts";
