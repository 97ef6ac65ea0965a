// Whether a step can be undone follows from its verb and from what its undo does, whatever its author says.
import { TARGET_ACTS } from "@tocsin/contracts";
import type { Deed, Step, Undo, Verb } from "./format.ts";

/**
 * - `none`: changes nothing
 * - `self-reversing`: the target ends as it was declared (same revision, replicas, running); there is nothing to put back
 * - `inverse`: the undo is the verb's own inverse on the same target: what was before comes back
 * - `compensated`: the author names something that should make up for it; nobody can prove that, so a person approves it
 * - `irreversible`
 */
export type Reversibility = "none" | "self-reversing" | "inverse" | "compensated" | "irreversible";

/** From harmless to not undoable: the worst of a run's steps is the run's. */
const ORDER: readonly Reversibility[] = ["none", "self-reversing", "inverse", "compensated", "irreversible"];
export const worstReversibility = (all: Iterable<Reversibility>): Reversibility =>
  ORDER[Math.max(0, ...[...all].map((one) => ORDER.indexOf(one)))] as Reversibility;

const ACTS_ON_TARGET: ReadonlySet<Verb> = new Set(TARGET_ACTS);
const SETS_A_STATE: ReadonlySet<Verb> = new Set(["target.start", "target.stop", "target.scale", "target.config", "container.run"]);
const SELF_REVERSING: ReadonlySet<Verb> = new Set(["target.restart", "target.recreate", "target.reconnect"]);

/** Does it change something? */
export function acts(deed: Deed): boolean {
  if (deed.verb === "http.request") return deed.with.method !== "GET" && deed.with.method !== "HEAD";
  return ACTS_ON_TARGET.has(deed.verb) || deed.verb === "container.run";
}

/** What it acts on; undefined for a deed that acts on no target. */
export const targetOf = (deed: Deed): string | undefined => ("target" in deed.with ? deed.with.target : undefined);

/**
 * May the deed be done a second time, when nobody knows whether it was done? True where it sets a state rather than making a change, and
 * for a one-off container, whose name is its idempotency key: the second time finds the first and attaches to it.
 */
export function isIdempotent(deed: Deed): boolean {
  if (!acts(deed)) return true;
  if (deed.verb === "target.rollback") return deed.with.toRevision !== undefined; // "the one before" moves each time
  return SETS_A_STATE.has(deed.verb);
}

/** Does it, with nothing to undo, leave everything as it was declared? */
const leavesAsDeclared = (deed: Deed): boolean =>
  SELF_REVERSING.has(deed.verb) || (deed.verb === "container.run" && deed.with.network === undefined);

function isInverse(deed: Deed, undo: Deed): boolean {
  if (targetOf(deed) === undefined || targetOf(deed) !== targetOf(undo)) return false;
  if (deed.verb === "target.start") return undo.verb === "target.stop";
  if (deed.verb === "target.stop") return undo.verb === "target.start";
  if (deed.verb === "target.rollback") return undo.verb === "target.rollback" && undo.with.toRevision === "{{before.revision}}";
  if (deed.verb === "target.scale") return undo.verb === "target.scale" && undo.with.replicas === "{{before.replicas}}";
  if (deed.verb === "target.config")
    return undo.verb === "target.config" && undo.with.name === deed.with.name && undo.with.value === "{{before.config}}";
  return false;
}

export function reversibilityOf(deed: Deed, undo: Undo | undefined, irreversible: boolean): Reversibility {
  if (!acts(deed)) return "none";
  if (irreversible || undo === undefined) return "irreversible";
  if (undo === "none-required") return leavesAsDeclared(deed) ? "self-reversing" : "irreversible";
  return isInverse(deed, undo) ? "inverse" : "compensated";
}

/** Why what a step says of its undo cannot be accepted, or undefined. */
export function undoProblem(step: Step): string | undefined {
  if (!acts(step)) return step.undo === undefined && !step.irreversible ? undefined : `${step.verb} changes nothing, so it has no undo`;
  if (step.undo === undefined && !step.irreversible)
    return `${step.verb} changes something: name its \`undo\` or say \`irreversible: true\``;
  if (step.undo !== undefined && step.irreversible) return "a step has an `undo` or is `irreversible: true`, not both";
  if (step.undo === "none-required" && !leavesAsDeclared(step))
    return `${step.verb} does not leave things as they were: \`undo: none-required\` is for a restart, for making anew what stays the same, and for a container without network`;
  if (typeof step.undo === "object" && !acts(step.undo)) return `an undo has to act, and ${step.undo.verb} does not`;
  return undefined;
}
