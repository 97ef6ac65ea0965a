import { digestOf } from "@tocsin/runtime";
import type { Round } from "./round.ts";

/** Evidence of one incident and round with the same content has the same id in every process that works it out. */
export const evidenceIds =
  (round: Pick<Round, "incidentId" | "round">) =>
  (content: string): string =>
    `ev_${digestOf(`${round.incidentId}|${round.round}|${content}`).slice("sha256:".length, "sha256:".length + 20)}`;
