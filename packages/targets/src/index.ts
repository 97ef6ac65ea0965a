export { type OpenTargetsOptions, openTargets } from "./open-targets.ts";
export type { ActOptions, ActResult, OneOff, OneOffResult, Replica, Target, TargetPort } from "./target-port.ts";
