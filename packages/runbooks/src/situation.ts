import type { Cause, Evidence, Member } from "@tocsin/contracts";

/** What is known of an incident when a runbook is looked for: a view of the contracts, so that stored and live incidents both fit. */
export interface Situation {
  readonly members: readonly Pick<Member, "name" | "service" | "severity" | "labels" | "annotations" | "role" | "status">[];
  /** The cause that the runbook should answer; absent while nothing was singled out. */
  readonly cause?: Pick<Cause, "service" | "kind" | "text">;
  /** The evidence of that cause. */
  readonly evidence?: readonly Pick<Evidence, "kind" | "text" | "query" | "service">[];
}
