// After a crash or a lost answer nobody knows whether an act happened. The target itself may show it.
import type { Deed } from "@tocsin/runbooks";
import type { Target } from "@tocsin/targets";

/** `done`: it is visible that it happened. `not-seen`: nothing shows it; it may still be on its way. */
export type Probed = "done" | "not-seen";

/**
 * Pure: compares a target with its snapshot from right before the act.
 *
 * A restart shows in start times, a rollback in the revision, the others in the state that they set. Deeds without a target show nowhere.
 */
export function probe(deed: Deed, before: Target, now: Target): Probed {
  const running = now.replicas.filter((replica) => replica.state === "running").length;
  const is = (seen: boolean): Probed => (seen ? "done" : "not-seen");
  switch (deed.verb) {
    case "target.restart":
      return is(now.replicas.length > 0 && running > 0 && now.replicas.every((replica) => startedAnew(replica, before)));
    case "target.start":
      return is(running > 0);
    case "target.stop":
      return is(running === 0);
    case "target.rollback":
      return is(deed.with.toRevision === undefined ? now.revision !== before.revision : now.revision === deed.with.toRevision);
    case "target.scale":
      return is(running === Number(deed.with.replicas));
    case "target.recreate":
      return is(now.replicas.length > 0 && running > 0 && now.replicas.every((replica) => startedAnew(replica, before)));
    case "target.config":
      return is(now.config !== undefined && now.config[deed.with.name] === deed.with.value);
    default:
      return "not-seen"; // joining a network again shows nowhere
  }
}

/** A replica that was not there before, e.g. recreated under another id, was started anew as well. */
function startedAnew(replica: Target["replicas"][number], before: Target): boolean {
  const old = before.replicas.find(({ id }) => id === replica.id);
  return old === undefined || (replica.startedAt !== undefined && replica.startedAt !== old.startedAt);
}

/** Pure: in what a target differs from how it was, by what an undo has to bring back; empty when it is as it was. */
export function differences(before: Target, now: Target): readonly string[] {
  const runs = (target: Target) =>
    target.replicas.filter((replica) => replica.state === "running" || replica.state === "restarting").length;
  const found: string[] = [];
  if (before.revision !== now.revision) found.push(`revision ${now.revision} instead of ${before.revision}`);
  if (before.replicas.length !== now.replicas.length) found.push(`${now.replicas.length} replicas instead of ${before.replicas.length}`);
  else if (runs(before) !== runs(now)) found.push(`${runs(now)} replicas running instead of ${runs(before)}`);
  for (const [name, value] of Object.entries(before.config ?? {}))
    if (now.config?.[name] !== value) found.push(`${name} is ${now.config?.[name] ?? "not set"} instead of ${value ?? "not set"}`);
  return found;
}
