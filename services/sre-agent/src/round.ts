// Terms. A *round* is one investigation of an incident, from gathering to its outcome. Its worker holds the incident's *fence*: every write
// names it, and fails once somebody else has taken the incident over. An effect's id is made of incident, round, phase and a number, so that
// a round gone through again after a crash tells nothing twice.
import { eventOf, type ModelNote, type OutgoingEvent, type Thought, ThoughtRecorded } from "@tocsin/contracts";
import type { Adviser } from "@tocsin/llm";
import type { Runbook } from "@tocsin/runbooks";
import { type Clock, isoTime, type Logger, type Queryable } from "@tocsin/runtime";
import type { Signals } from "@tocsin/signals";
import { appendEvents, assertFence, type Store } from "@tocsin/store";
import type { Prompts } from "./advice/prompts.ts";
import type { SreAgentConfig } from "./config.ts";
import type { AgentMetrics } from "./metrics.ts";

export const SOURCE = "/tocsin/sre-agent";

export interface AgentDeps {
  readonly store: Pick<Store, "sql" | "jobs" | "pool" | "engine">;
  readonly signals: Signals;
  readonly runbooks: () => Promise<readonly Runbook[]>;
  readonly config: SreAgentConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: AgentMetrics;
  /** Who may be asked for a second opinion and for words; absent where there is no model. */
  readonly advice?: { readonly adviser: Adviser; readonly prompts: Prompts };
  /** Called between any two effects, with the name of the gap. Tests end the process there. */
  readonly failpoint?: (name: string) => void | Promise<void>;
}

export interface Round {
  readonly incidentId: string;
  readonly round: number;
  readonly fence: number;
  /** Aborts when the job is taken away or the process stops. */
  readonly signal?: AbortSignal;
}

/** What the agent wants to say, before it has an id and a time. */
export interface Saying {
  readonly phase: Thought["phase"];
  readonly kind: string;
  readonly text: string;
  readonly evidence?: readonly string[];
  readonly model?: ModelNote | undefined;
}

/** One transaction that only happens while the incident is ours. Append events last in it. */
export function writing<T>(deps: AgentDeps, round: Round, work: (tx: Queryable) => Promise<T>): Promise<T> {
  return deps.store.sql.transaction(async (tx) => {
    await assertFence(tx, round.incidentId, round.fence);
    return work(tx);
  });
}

/** Thoughts as events; `first` is the number of the first of them within its phase. */
export function thoughts(round: Round, sayings: readonly Saying[], nowMs: number, first = 1): OutgoingEvent[] {
  const at = isoTime(nowMs);
  const numbers = new Map<string, number>();
  return sayings.map((saying) => {
    const number = (numbers.get(saying.phase) ?? first - 1) + 1;
    numbers.set(saying.phase, number);
    return eventOf(
      ThoughtRecorded,
      { id: `${round.incidentId}:${round.round}:${saying.phase}:${number}`, source: SOURCE, time: at },
      {
        incidentId: round.incidentId,
        at,
        phase: saying.phase,
        kind: saying.kind,
        text: saying.text,
        ...(saying.evidence === undefined || saying.evidence.length === 0 ? {} : { evidence: [...saying.evidence] }),
        ...(saying.model === undefined ? {} : { model: saying.model }),
      },
    );
  });
}

export const say = (deps: AgentDeps, round: Round, tx: Queryable, sayings: readonly Saying[], first = 1): Promise<void> =>
  appendEvents(tx, thoughts(round, sayings, deps.clock.now(), first));
