import type { IncidentView, Thought } from "@tocsin/contracts";

/** An incident in the middle of its life; fields are overruled as a test needs it. */
export const incident = (more: Partial<IncidentView> = {}): IncidentView => ({
  id: "inc_019a00000000700080000000deadbeef",
  title: "Payments: memory grows",
  state: "mitigating",
  severity: "critical",
  service: "payments",
  scope: "default",
  startedAt: "2026-08-20T10:00:00.000Z",
  updatedAt: "2026-08-20T10:05:00.000Z",
  alertCount: 1,
  cause: { service: "payments", kind: "resource", confidence: 0.9 },
  members: [
    {
      fingerprint: "0123456789abcdef",
      name: "MemoryHigh",
      service: "payments",
      severity: "critical",
      labels: { alertname: "MemoryHigh" },
      annotations: { summary: "memory above 90 %" },
      status: "firing",
      startsAt: "2026-08-20T10:00:00.000Z",
      role: "root",
      reasons: [],
    },
  ],
  verdict: "cause",
  causes: [
    {
      service: "payments",
      kind: "resource",
      score: 3,
      confidence: 0.9,
      text: "memory grew from 80 MB to 400 MB",
      evidence: [{ id: "ev_1", kind: "metric", text: "resident memory rose fivefold" }],
    },
  ],
  runs: [],
  timeline: [],
  analysis: "",
  links: {},
  ...more,
});

export const thought = (phase: Thought["phase"], text: string, at = "2026-08-20T10:01:00.000Z"): Thought => ({
  incidentId: "inc_019a00000000700080000000deadbeef",
  at,
  kind: phase,
  text,
  phase,
});
