// Terms. A *delivery* is one HTTP body. Its *members* are the alerts in it. A *rejection* is a member, or a whole body, that
// could not be understood, with its raw bytes: an expected outcome, so a value and not an exception.
import type { Alert, Change } from "@tocsin/contracts";

type RejectionCode =
  | "BRIDGE_BODY_UNPARSABLE" // no JSON, or of no known shape
  | "BRIDGE_FORMAT_UNKNOWN" // JSON, but neither Alertmanager's version 4 nor Grafana's version 1
  | "BRIDGE_MEMBER_INVALID" // one alert with a field of the wrong type, or without its identity
  | "BRIDGE_MEMBER_OVERSIZED"; // one alert that no event can hold

export interface Rejection {
  readonly code: RejectionCode;
  readonly reason: string;
  readonly raw: Uint8Array;
  /** How to read the bytes of a member when it is tried again (a source's name, or `event`); absent for a whole body. */
  readonly member?: { readonly format: string; readonly groupKey?: string };
}

/** What one body held. */
export interface Parsed {
  readonly source: string;
  readonly alerts: readonly Alert[];
  readonly changes: readonly Change[];
  readonly rejections: readonly Rejection[];
  /** Alerts that the sender says it left out of this body (`max_alerts`). */
  readonly truncatedAlerts: number;
  /** Members whose fingerprint, as the sender gives it, is not ours. */
  readonly fingerprintMismatches: number;
}

export type Read<T> =
  | { readonly kind: "read"; readonly value: T }
  | { readonly kind: "rejected"; readonly code: RejectionCode; readonly reason: string };

export const read = <T>(value: T): Read<T> => ({ kind: "read", value });
export const invalid = (reason: string): Read<never> => ({ kind: "rejected", code: "BRIDGE_MEMBER_INVALID", reason });
export const oversized = (reason: string): Read<never> => ({ kind: "rejected", code: "BRIDGE_MEMBER_OVERSIZED", reason });
