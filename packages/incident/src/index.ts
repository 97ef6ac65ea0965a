export { EDGES, isBeingWorked, isTerminal, type Move, move } from "./lifecycle.ts";
export { worstSeverity } from "./severity.ts";
