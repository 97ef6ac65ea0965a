import type { Severity } from "./primitives.ts";

/** The topics; their names are part of the product. */
export const TOPICS = {
  critical: "sre-critical",
  warning: "sre-warning",
  info: "sre-info",
  events: "sre-events",
  thoughts: "agent-thoughts",
  actions: "agent-actions",
  deadLetter: "sre-deadletter",
} as const;
export type Topic = (typeof TOPICS)[keyof typeof TOPICS];

export const ALL_TOPICS: readonly Topic[] = Object.values(TOPICS);
/** Where alerts travel, the most urgent first. */
export const ALERT_TOPICS: readonly Topic[] = [TOPICS.critical, TOPICS.warning, TOPICS.info];
export const topicOfSeverity = (severity: Severity): Topic => TOPICS[severity];
