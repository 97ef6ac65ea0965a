// The investigation as a graph: checkpointed after every node, so that a killed process goes on where it was. The nodes' effects do not
// depend on it: each is safe to repeat, and `runPlainly` goes through the same nodes without LangGraph.
import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import type { Diagnosis } from "@tocsin/contracts";
import { AppError, messageOf } from "@tocsin/runtime";
import { diagnoseNode } from "./nodes/diagnose.ts";
import { gatherNode } from "./nodes/gather.ts";
import { narrateNode } from "./nodes/narrate.ts";
import { planNode } from "./nodes/plan.ts";
import { reasonNode } from "./nodes/reason.ts";
import { recallNode } from "./nodes/recall.ts";
import type { Outcome } from "./outcome.ts";
import type { AgentDeps, Round } from "./round.ts";

/** Raised with the graph's shape: a thread begun under another shape is not resumed, the round is gone through plainly. */
const GRAPH_VERSION = 3;
const RECURSION_LIMIT = 12;

interface Steps {
  readonly gather: () => Promise<void>;
  readonly diagnose: () => Promise<{ verdict: Diagnosis["verdict"] }>;
  readonly recall: () => Promise<{ alike: number }>;
  readonly reason: () => Promise<{ advised: boolean }>;
  readonly plan: () => Promise<{ decision: Outcome["kind"] }>;
  readonly narrate: () => Promise<void>;
}

const stepsOf = (deps: AgentDeps, round: Round): Steps => ({
  gather: gatherNode(deps, round),
  diagnose: diagnoseNode(deps, round),
  recall: recallNode(deps, round),
  reason: reasonNode(deps, round),
  plan: planNode(deps, round),
  narrate: narrateNode(deps, round),
});

async function compile(steps: Steps, checkpointer: BaseCheckpointSaver) {
  const { Annotation, END, START, StateGraph } = await import("@langchain/langgraph");
  /** Small on purpose: what was found lies in the store. Each field has one writer. */
  const InvestigationState = Annotation.Root({
    /** gather */
    gathered: Annotation<boolean>,
    /** diagnose */
    verdict: Annotation<Diagnosis["verdict"]>,
    /** recall: how many past incidents are like it */
    alike: Annotation<number>,
    /** reason: whether a model's word was taken into account */
    advised: Annotation<boolean>,
    /** plan */
    decision: Annotation<Outcome["kind"]>,
    /** narrate */
    written: Annotation<boolean>,
  });
  return new StateGraph(InvestigationState)
    .addNode("gather", async () => {
      await steps.gather();
      return { gathered: true };
    })
    .addNode("diagnose", () => steps.diagnose())
    .addNode("recall", () => steps.recall())
    .addNode("reason", () => steps.reason())
    .addNode("plan", () => steps.plan())
    .addNode("narrate", async () => {
      await steps.narrate();
      return { written: true };
    })
    .addEdge(START, "gather")
    .addEdge("gather", "diagnose")
    .addEdge("diagnose", "recall")
    .addEdge("recall", "reason")
    .addEdge("reason", "plan")
    .addEdge("plan", "narrate")
    .addEdge("narrate", END)
    .compile({ checkpointer });
}

export const threadOf = (round: Pick<Round, "incidentId" | "round">): string => `${round.incidentId}:${round.round}:v${GRAPH_VERSION}`;

/**
 * Goes through a round: from the last checkpoint, or from the start. When the graph or its checkpoints fail, though no node did, the same
 * nodes run one after the other.
 */
export async function runRound(
  deps: AgentDeps,
  round: Round,
  checkpointer: BaseCheckpointSaver | undefined,
  signal?: AbortSignal,
): Promise<void> {
  if (!checkpointer) return runPlainly(stepsOf(deps, round));
  let failed: { readonly error: unknown } | undefined;
  const steps = noting(stepsOf(deps, round), (error) => {
    failed ??= { error };
  });
  try {
    const graph = await compile(steps, checkpointer);
    const config = { configurable: { thread_id: threadOf(round) }, recursionLimit: RECURSION_LIMIT };
    const known = await graph.getState(config);
    const isBegun = known.next.length > 0;
    await graph.invoke(isBegun ? null : {}, { ...config, durability: "sync", ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    if (failed) throw failed.error;
    if (signal?.aborted) throw error;
    deps.metrics.graphFailed();
    deps.log.warn(
      { err: error, reason: messageOf(error), incidentId: round.incidentId, round: round.round },
      "graph failed, going on without it",
    );
    await runPlainly(stepsOf(deps, round));
  }
}

/** The same nodes in the same order; a node whose effect is there does nothing. */
async function runPlainly(steps: Steps): Promise<void> {
  await steps.gather();
  await steps.diagnose();
  await steps.recall();
  await steps.reason();
  await steps.plan();
  await steps.narrate();
}

/** Tells of a node's own error before the graph gets to wrap it. */
function noting(steps: Steps, onError: (error: unknown) => void): Steps {
  const noted =
    <T>(step: () => Promise<T>) =>
    async (): Promise<T> => {
      try {
        return await step();
      } catch (error) {
        onError(error);
        throw error;
      }
    };
  return {
    gather: noted(steps.gather),
    diagnose: noted(steps.diagnose),
    recall: noted(steps.recall),
    reason: noted(steps.reason),
    plan: noted(steps.plan),
    narrate: noted(steps.narrate),
  };
}

/** Somebody else works on the incident now: nothing to do, nothing to repeat. */
export const isTakenOver = (error: unknown): boolean => AppError.is(error, "STORE_FENCED");
