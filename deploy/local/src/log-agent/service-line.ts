import type { Replica } from "../services.ts";
import type { LabLine } from "./lab-lines.ts";
import type { LogEntry } from "./loki-push.ts";

/** Pure: a line of the lab's shop, as an agent beside its containers would label it. */
export const entryOfLab = ({ at, service, level, message }: LabLine): LogEntry => ({
  labels: { job: "lab", service, level },
  atMs: at * 1_000,
  text: message,
});

/**
 * Pure: a line of one of Tocsin's own processes: JSON with level and time, or what Node prints when a process dies, which has neither.
 *
 * @param nowMs for a line without a time, in milliseconds since 1970
 */
export function entryOfService({ id, service }: Pick<Replica, "id" | "service">, text: string, nowMs: number): LogEntry {
  const labels = { job: "tocsin", service: `tocsin-${service}`, instance: id };
  const { level, time } = fieldsOf(text);
  const atMs = typeof time === "string" ? Date.parse(time) : Number.NaN;
  return {
    labels: typeof level === "string" && LEVELS.has(level) ? { ...labels, level } : labels,
    atMs: Number.isNaN(atMs) ? nowMs : atMs,
    text,
  };
}

/** Every value of a label is a stream: none that a line makes up. */
const LEVELS = new Set(["debug", "info", "warn", "error", "fatal"]);

function fieldsOf(text: string): { readonly level?: unknown; readonly time?: unknown } {
  if (!text.startsWith("{")) return {};
  try {
    return JSON.parse(text) as { level?: unknown; time?: unknown };
  } catch {
    return {};
  }
}
