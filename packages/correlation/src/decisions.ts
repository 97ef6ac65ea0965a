// Terms. A *decision* says what follows from one message; a *fact* is what an incident's timeline will say. Together they are all that
// has to be stored: the engine itself stores nothing.
import type { Alert, IncidentState, MemberRole, Reason } from "@tocsin/contracts";
import type { PairChange } from "./cooccurrence.ts";
import type { AlertState, LiveIncident } from "./working-set.ts";

/** What became of one message. `duplicate` changes nothing and is told nowhere; the others are stored once each. */
export interface AlertDecision {
  readonly alert: Alert;
  readonly effect: "started" | "refired" | "resolved" | "same" | "late" | "duplicate" | "suppressed";
  readonly outcome: "incident" | "suppressed";
  readonly incidentId: string | undefined;
  readonly reason: string;
}

export interface MemberDecision {
  readonly incidentId: string;
  readonly fingerprint: string;
  readonly reasons: readonly Reason[];
  readonly at: number;
}

export interface RoleDecision {
  readonly incidentId: string;
  readonly fingerprint: string;
  readonly role: MemberRole;
  readonly reasons: readonly Reason[];
}

export interface Fact {
  readonly kind: "opened" | "joined" | "recovered" | "refired" | "flapping" | "merged" | "split";
  readonly incidentId: string;
  readonly otherIncidentId?: string;
  /** Event time, milliseconds. */
  readonly at: number;
  readonly text: string;
  readonly fingerprints: readonly string[];
  /** Names the effect: the same effect has the same key, so telling it again is ignored. */
  readonly key: string;
}

export interface Decisions {
  /** One for each message, in the order of the batch. */
  readonly alerts: readonly AlertDecision[];
  /** Alerts whose last known state changed. */
  readonly states: ReadonlySet<AlertState>;
  readonly opened: ReadonlySet<LiveIncident>;
  /** Incidents to be written, the opened ones included. */
  readonly changed: ReadonlySet<LiveIncident>;
  readonly members: readonly MemberDecision[];
  readonly roles: readonly RoleDecision[];
  /** Incidents that ended by being merged into another. */
  readonly merged: readonly {
    readonly from: LiveIncident;
    readonly into: LiveIncident;
    readonly reasons: readonly Reason[];
    readonly fingerprints: readonly string[];
    /** Of `from`, before it ended. */
    readonly stateBefore: IncidentState;
  }[];
  readonly facts: readonly Fact[];
  readonly pairs: readonly PairChange[];
  /** By fingerprint: why alerts are where they are now that no message of the turn speaks of. */
  readonly reasons: ReadonlyMap<string, string>;
}
