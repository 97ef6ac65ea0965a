import type { Cause, Change, Evidence, Member } from "@tocsin/contracts";

/** What is known of an incident when a runbook is looked for: a view of the contracts, so that stored and live incidents both fit. */
export interface Situation {
  readonly members: readonly Pick<Member, "name" | "service" | "severity" | "labels" | "annotations" | "role" | "status">[];
  /** The cause that the runbook should answer; absent while nothing was singled out. */
  readonly cause?: Pick<Cause, "service" | "kind" | "text">;
  /** The evidence of that cause. */
  readonly evidence?: readonly Pick<Evidence, "kind" | "text" | "query" | "service">[];
  /** What was changed shortly before; when absent, evidence of kind `change` tells. */
  readonly changes?: readonly Pick<Change, "kind" | "service">[];
}

/** Was the service that is at fault (or any, while none is named) deployed or configured shortly before? */
export function wasChanged({ cause, evidence = [], changes }: Situation): boolean {
  const isIt = (service: string | undefined) => cause === undefined || service === undefined || service === cause.service;
  if (changes) return changes.some((change) => isIt(change.service) && (change.kind === "deployment" || change.kind === "configuration"));
  // A restart or a scaling brought nothing that a rollback could take away.
  return evidence.some((e) => e.kind === "change" && isIt(e.service) && !/\b(?:restart|scal)/i.test(e.text));
}
