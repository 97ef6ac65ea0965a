export { EDGES, isBeingWorked, isTerminal, type Move, move, statesBefore } from "./lifecycle.ts";
export { worstSeverity } from "./severity.ts";
