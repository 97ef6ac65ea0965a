export { type OpenTargetsOptions, openTargets } from "./open-targets.ts";
export type { ActOptions, ActResult, OneOff, OneOffResult, Replica, Target, TargetEvent, TargetPort } from "./target-port.ts";
