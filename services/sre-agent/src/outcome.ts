import type { RankedService } from "@tocsin/diagnosis";
import type { EscalationWhy } from "./metrics.ts";
import type { Watch } from "./watch.ts";

/** What the plan of a round came to; kept with the round, so that going through it again decides nothing anew. */
export type Outcome =
  | { readonly kind: "run"; readonly runId: string; readonly runbook: string; readonly text: string }
  | { readonly kind: "escalate"; readonly why: EscalationWhy; readonly text: string }
  | { readonly kind: "recovered"; readonly text: string };

/** What a diagnosis leaves for later steps of the round. */
export interface RoundFindings {
  readonly ruledOut: readonly { readonly service: string; readonly text: string }[];
  readonly watches: readonly Watch[];
  readonly ranking: readonly Pick<RankedService, "service" | "kind" | "score" | "coverage">[];
}
