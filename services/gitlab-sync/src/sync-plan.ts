import { digestOf } from "@tocsin/runtime";
import type { EscalationStatus, GitlabSeverity } from "@tocsin/tickets";
import * as z from "zod";
import type { DesiredTicket } from "./desired-ticket.ts";

/** What GitLab has been told, by part, as `tickets.synced` keeps it. */
export const Synced = z.object({
  /** The newest event of the incident that is in it. */
  seq: z.number().default(0),
  title: z.string().optional(), // digests
  description: z.string().optional(),
  labels: z.array(z.string()).default([]),
  severity: z.string().optional(),
  status: z.string().optional(),
  state: z.enum(["opened", "closed"]).optional(),
  /** The user it was given to, or would have been. */
  assignee: z.string().optional(),
  notes: z.record(z.string(), z.object({ id: z.number(), digest: z.string() })).default({}),
  timeline: z.array(z.string()).default([]),
});
export type Synced = z.output<typeof Synced>;

export type SyncStep =
  | { readonly kind: "severity"; readonly severity: GitlabSeverity }
  | {
      readonly kind: "edit";
      readonly title?: string;
      readonly description?: string;
      readonly addLabels: readonly string[];
      readonly removeLabels: readonly string[];
    }
  | { readonly kind: "note"; readonly name: string; readonly body: string; readonly id?: number }
  | { readonly kind: "assign"; readonly username: string }
  | { readonly kind: "timeline"; readonly key: string; readonly at: string; readonly note: string; readonly tag: string }
  | { readonly kind: "status"; readonly status: EscalationStatus }
  | { readonly kind: "state"; readonly state: "opened" | "closed" };

/**
 * Pure: what has to be said so that GitLab shows what is desired. Nothing that it has been told already, so what people change there stays
 * until we have something new to say about it. Closing comes last, when everything else is there.
 *
 * @param assignee who gets what a person has to take over
 */
export function planSync(desired: DesiredTicket, synced: Synced, assignee: string | undefined): readonly SyncStep[] {
  const steps: SyncStep[] = [];
  if (synced.severity !== desired.severity) steps.push({ kind: "severity", severity: desired.severity });
  const edit = {
    ...(synced.title === digestOf(desired.title) ? {} : { title: desired.title }),
    ...(synced.description === digestOf(desired.description) ? {} : { description: desired.description }),
    addLabels: desired.labels.filter((label) => !synced.labels.includes(label)),
    removeLabels: synced.labels.filter((label) => !desired.labels.includes(label)),
  };
  if (edit.title !== undefined || edit.description !== undefined || edit.addLabels.length + edit.removeLabels.length > 0)
    steps.push({ kind: "edit", ...edit });
  for (const { name, body } of desired.notes) {
    const known = synced.notes[name];
    if (known?.digest !== digestOf(body)) steps.push({ kind: "note", name, body, ...(known === undefined ? {} : { id: known.id }) });
  }
  if (desired.needsPerson && assignee !== undefined && synced.assignee !== assignee) steps.push({ kind: "assign", username: assignee });
  for (const event of desired.timeline) if (!synced.timeline.includes(event.key)) steps.push({ kind: "timeline", ...event });
  if (synced.status !== desired.status) steps.push({ kind: "status", status: desired.status });
  if ((synced.state ?? "opened") !== desired.state) steps.push({ kind: "state", state: desired.state });
  return steps;
}

/** Pure: what GitLab has been told once a step is done. */
export function afterStep(synced: Synced, step: SyncStep, result: { readonly noteId?: number } = {}): Synced {
  switch (step.kind) {
    case "severity":
      return { ...synced, severity: step.severity };
    case "edit":
      return {
        ...synced,
        ...(step.title === undefined ? {} : { title: digestOf(step.title) }),
        ...(step.description === undefined ? {} : { description: digestOf(step.description) }),
        labels: [...synced.labels.filter((label) => !step.removeLabels.includes(label)), ...step.addLabels],
      };
    case "note":
      return { ...synced, notes: { ...synced.notes, [step.name]: { id: result.noteId ?? 0, digest: digestOf(step.body) } } };
    case "assign":
      return { ...synced, assignee: step.username };
    case "timeline":
      return { ...synced, timeline: [...synced.timeline, step.key] };
    case "status":
      return { ...synced, status: step.status };
    case "state":
      return { ...synced, state: step.state };
  }
}
