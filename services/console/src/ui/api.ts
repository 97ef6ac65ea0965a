import type { DrillView, FaultView, IncidentSummary, IncidentView } from "@tocsin/contracts";

/** What the server said no to, in its own words. */
export class ProblemError extends Error {}

async function call<T>(path: string, init?: RequestInit): Promise<T> {
  const answer = await fetch(`/api/v1${path}`, init);
  const body = (await answer.json().catch(() => ({}))) as T & { detail?: string };
  if (!answer.ok) throw new ProblemError(body.detail ?? `the server answered ${answer.status}`);
  return body;
}
const post = <T>(path: string, body: unknown): Promise<T> =>
  call<T>(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

interface List<T> {
  items: T[];
  next: string | null;
}

export const api = {
  incidents: () => call<List<IncidentSummary>>("/incidents?limit=50"),
  incident: (id: string) => call<IncidentView>(`/incidents/${encodeURIComponent(id)}`),
  faults: () => call<List<FaultView>>("/faults"),
  drills: () => call<List<DrillView>>("/drills?limit=5"),
  startDrill: (fault: string, target: string) => post<DrillView>("/drills", { fault, target }),
};
