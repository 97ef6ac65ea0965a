import type { Cause, Change, Evidence, Member } from "@tocsin/contracts";

/** What is known of an incident when a runbook is looked for: a view of the contracts, so that stored and live incidents both fit. */
export interface Situation {
  readonly members: readonly Pick<Member, "name" | "service" | "severity" | "labels" | "annotations" | "role" | "status">[];
  /** The cause that the runbook should answer; absent while nothing was singled out. */
  readonly cause?: Pick<Cause, "service" | "kind" | "text">;
  /** The evidence of that cause. */
  readonly evidence?: readonly Pick<Evidence, "kind" | "text" | "query" | "service">[];
  /** What was changed shortly before, as the sources of changes say; evidence of kind `change` counts beside it. */
  readonly changes?: readonly Pick<Change, "kind" | "service" | "at" | "text">[];
}

/** A restart or a scaling brought nothing that a rollback could take away, and a rollback is not to be rolled back. */
const NOT_TAKEN_BACK = /\b(?:restart|scal|rolled\b.*\bback|rollback)/i;

/** Was the service that is at fault (or any, while none is named) deployed or configured shortly before, with nothing taken back since? */
export function wasChanged({ cause, evidence = [], changes = [] }: Situation): boolean {
  const isIt = (service: string | undefined) => cause === undefined || service === undefined || service === cause.service;
  const last = changes
    .filter((change) => isIt(change.service) && (change.kind === "deployment" || change.kind === "configuration"))
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
    .at(-1);
  if (last) return !NOT_TAKEN_BACK.test(last.text);
  return evidence.some((e) => e.kind === "change" && isIt(e.service) && !NOT_TAKEN_BACK.test(e.text));
}
