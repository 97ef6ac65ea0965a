import * as z from "zod";

/** RFC 3339 in UTC with milliseconds, e.g. `2026-01-31T08:15:30.123Z`. */
export const Timestamp = z.iso.datetime();

/** How bad it is, and so which topic an alert travels on. */
export const Severity = z.enum(["critical", "warning", "info"]);
export type Severity = z.output<typeof Severity>;

/** Prometheus-style labels or annotations: names and values are text that anybody may have written. */
export const LabelSet = z.record(z.string(), z.string());
export type LabelSet = z.output<typeof LabelSet>;

/** A machine-made reason: what kind of evidence spoke, how strongly (0 to 1; negative speaks against), and in words. */
export const Reason = z.object({ kind: z.string().min(1), weight: z.number().min(-1).max(1), text: z.string() });
export type Reason = z.output<typeof Reason>;
