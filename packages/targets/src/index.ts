export type { ActOptions, ActResult, OneOff, OneOffResult, Replica, Target, TargetPort } from "./target-port.ts";
