// What is read, how long it counts as fresh, and under which key the live stream makes it stale.
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, type DryRunWish, type IncidentFilter } from "./client.ts";

/** States of incidents that are not over. */
export const OPEN_STATES = "open,investigating,mitigating,awaiting-approval,verifying,escalated";

export const incidentsQuery = (filter: IncidentFilter) =>
  queryOptions({
    queryKey: ["incidents", filter],
    queryFn: () => api.incidents(filter),
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  });
export const incidentQuery = (id: string) => queryOptions({ queryKey: ["incident", id], queryFn: () => api.incident(id) });
export const similarQuery = (id: string) => queryOptions({ queryKey: ["similar", id], queryFn: () => api.similar(id), staleTime: 60_000 });
export const pendingQuery = queryOptions({
  queryKey: ["approvals", "pending"],
  queryFn: () => api.approvals({ state: "pending" }),
  refetchInterval: 30_000,
});
export const redButtonQuery = queryOptions({ queryKey: ["red-button"], queryFn: api.redButton, refetchInterval: 10_000 });
export const servicesQuery = queryOptions({ queryKey: ["services"], queryFn: api.services, refetchInterval: 10_000 });
export const topologyQuery = queryOptions({ queryKey: ["topology"], queryFn: api.topology, staleTime: 30_000 });
export const edgesQuery = queryOptions({ queryKey: ["edges"], queryFn: api.edges, refetchInterval: 15_000 });
export const signalsQuery = (id: string, window: { from?: number; to?: number }) =>
  queryOptions({
    queryKey: ["signals", id, window],
    queryFn: () => api.signals(id, window),
    refetchInterval: window.to === undefined ? 5_000 : (false as const),
    placeholderData: keepPreviousData,
  });
export const logsQuery = (id: string, window: { from?: number; to?: number }) =>
  queryOptions({
    queryKey: ["logs", id, window],
    queryFn: () => api.logs(id, window),
    staleTime: 15_000,
    placeholderData: keepPreviousData,
  });
export const autonomyQuery = (id: string) => queryOptions({ queryKey: ["autonomy", id], queryFn: () => api.autonomy(id) });
export const guidanceQuery = (id: string) => queryOptions({ queryKey: ["guidance", id], queryFn: () => api.guidance(id) });
export const runbooksQuery = queryOptions({ queryKey: ["runbooks"], queryFn: api.runbooks });
export const runbookQuery = (id: string) => queryOptions({ queryKey: ["runbook", id], queryFn: () => api.runbook(id) });
/** Each is many questions to the monitored systems: asked when somebody wants it, not by itself. */
export const dryRunQuery = (wish: DryRunWish) =>
  queryOptions({
    queryKey: ["dry-run", wish],
    queryFn: () => api.dryRun(wish),
    placeholderData: keepPreviousData,
    staleTime: 10_000,
    refetchOnWindowFocus: false,
    retry: false,
  });
export const faultsQuery = queryOptions({ queryKey: ["faults"], queryFn: api.faults, staleTime: 60_000, retry: false });
export const drillsQuery = queryOptions({ queryKey: ["drills"], queryFn: api.drills, refetchInterval: 5_000, retry: false });
export const statsQuery = (hours: number) =>
  queryOptions({ queryKey: ["stats", hours], queryFn: () => api.stats(hours), placeholderData: keepPreviousData });
export const historyQuery = (hours: number) =>
  queryOptions({ queryKey: ["stats", "history", hours], queryFn: () => api.history(hours), placeholderData: keepPreviousData });
export const quarantineQuery = queryOptions({ queryKey: ["quarantine"], queryFn: api.quarantine, refetchInterval: 15_000 });
export const lettersQuery = queryOptions({ queryKey: ["dead-letters"], queryFn: api.deadLetters, refetchInterval: 15_000 });
export const settingsQuery = queryOptions({ queryKey: ["settings"], queryFn: api.settings, staleTime: 300_000 });
export const readinessQuery = queryOptions({ queryKey: ["readiness"], queryFn: api.readiness, refetchInterval: 10_000 });
/** A console without an agent beside it has no such route: then there is nothing to show. */
export const modelsQuery = queryOptions({ queryKey: ["models"], queryFn: api.models, staleTime: 30_000, retry: false });
