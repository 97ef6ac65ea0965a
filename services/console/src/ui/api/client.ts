// The typed client: paths, parameters and answers come from the OpenAPI document. What other modules of the process serve without a
// description there (drills, quarantine, readiness) is called by hand below it, with the types of the contracts.
import type { DrillView, DryRunView, FaultView, IncidentView } from "@tocsin/contracts";
import createClient from "openapi-fetch";
import { type StreamPiece, takeEvents } from "../view/ask.ts";
import type { paths } from "./schema.gen.ts";

/** What the server said no to, in its own words. */
export class ProblemError extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

const client = createClient<paths>({ baseUrl: location.origin });

function problemOf(status: number, body: unknown): ProblemError {
  const { code, detail, title } = (body ?? {}) as { code?: string; detail?: string; title?: string };
  return new ProblemError(status, code ?? "HTTP", detail ?? title ?? `the server answered ${status}`);
}

/** @throws ProblemError; `HTTP_UNREACHABLE` when there was no answer at all */
async function answer<T>(asked: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  let got: { data?: T; error?: unknown; response: Response };
  try {
    got = await asked;
  } catch {
    throw new ProblemError(0, "HTTP_UNREACHABLE", "the server does not answer");
  }
  if (!got.response.ok) throw problemOf(got.response.status, got.error);
  return got.data as T;
}

async function call<T>(path: string, init?: RequestInit): Promise<T> {
  const asked = fetch(path, init).then(async (response) => {
    const body = (await response.json().catch(() => undefined)) as T;
    return response.ok ? { data: body, response } : { error: body, response };
  });
  return answer<T>(asked as Promise<{ data?: T; response: Response }>);
}
const post = <T>(path: string, body: unknown): Promise<T> =>
  call<T>(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

export interface List<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}
export interface QuarantineEntry {
  readonly id: string;
  readonly source: string;
  readonly receivedAt: string;
  readonly code: string;
  readonly reason: string;
  readonly size: number;
  readonly times: number;
  readonly state: "held" | "replayed" | "dropped";
}
export interface QuarantineFull extends QuarantineEntry {
  readonly headers: Readonly<Record<string, string>>;
  readonly encoding: "utf-8" | "base64";
  readonly body: string;
}
export interface Readiness {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, { up: boolean; required: boolean; error?: string }>>;
}

/** As the agent's module gives it at `/api/v1/llm`. */
export interface ModelsAnswer {
  readonly configured: boolean;
  readonly providers: readonly {
    readonly provider: string;
    readonly model: string;
    readonly state: "up" | "down" | "probing";
    readonly reason?: string;
    readonly price?: { readonly input: number; readonly output: number };
  }[];
  readonly limits: readonly { readonly scope: string; readonly what: string; readonly max: number }[];
  readonly spend: Readonly<Record<"hour" | "day", { readonly calls: number; readonly tokens: number; readonly usd: number }>>;
  readonly prompts: readonly { readonly name: string; readonly version: number; readonly hash: string }[];
}

type Answer<Path extends keyof paths> = paths[Path] extends { get: { responses: { 200: { content: { "application/json": infer Body } } } } }
  ? Body
  : never;
export type ApprovalItem = Answer<"/api/v1/approvals">["items"][number];
export type ServiceItem = Answer<"/api/v1/services">["items"][number];
type Samples = readonly (readonly [atSeconds: number, value: number | null])[];
type Signals = Answer<"/api/v1/services/{id}/signals">;
export type SignalsAnswer = Omit<Signals, "items"> & {
  readonly items: readonly (Omit<Signals["items"][number], "samples"> & { readonly samples: Samples })[];
};
export type LogsAnswer = Answer<"/api/v1/services/{id}/logs">;
export type AutonomyItem = Answer<"/api/v1/autonomy">["items"][number];
export type GuidanceAnswer = Answer<"/api/v1/incidents/{id}/guidance">;
export type History = Answer<"/api/v1/stats/history">;
export type DeadLetterItem = Answer<"/api/v1/dead-letters">["items"][number];

/** A runbook as it would be run for an incident: with a run's own parameters, or with those that a person gives. */
export interface DryRunWish {
  readonly runbook: string;
  readonly incidentId: string;
  readonly runId?: string | undefined;
  readonly given: Readonly<Record<string, string>>;
}
export interface IncidentFilter {
  readonly state?: string | undefined;
  readonly severity?: string | undefined;
  readonly service?: string | undefined;
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
}

const defined = <T extends object>(value: T) =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined && each !== "")) as never;

export const api = {
  streamPosition: () => answer(client.GET("/api/v1/stream/position")),
  incidents: (filter: IncidentFilter) => answer(client.GET("/api/v1/incidents", { params: { query: defined(filter) } })),
  // OpenAPI has no word for pairs, such as the samples of a chart: the contract says it better.
  incident: (id: string) =>
    answer(client.GET("/api/v1/incidents/{id}", { params: { path: { id } } })) as Promise<unknown> as Promise<IncidentView>,
  incidentEvents: (id: string, after: string) =>
    answer(client.GET("/api/v1/incidents/{id}/events", { params: { path: { id }, query: { after: Number(after), limit: 1000 } } })),
  similar: (id: string) => answer(client.GET("/api/v1/incidents/{id}/similar", { params: { path: { id } } })),
  acknowledge: (id: string, by: string) =>
    answer(client.POST("/api/v1/incidents/{id}/ack", { params: { path: { id } }, body: { by, reason: "" } })),
  escalate: (id: string, by: string, reason: string) =>
    answer(client.POST("/api/v1/incidents/{id}/escalate", { params: { path: { id } }, body: { by, reason } })),
  close: (id: string, by: string, reason: string) =>
    answer(client.POST("/api/v1/incidents/{id}/close", { params: { path: { id } }, body: { by, reason } })),
  merge: (id: string, into: string, by: string) =>
    answer(client.POST("/api/v1/incidents/{id}/merge", { params: { path: { id } }, body: { into, by } })),
  split: (id: string, fingerprints: string[], by: string) =>
    answer(client.POST("/api/v1/incidents/{id}/split", { params: { path: { id } }, body: { fingerprints, by } })),
  feedback: (id: string, right: boolean, note: string, by: string) =>
    answer(client.POST("/api/v1/incidents/{id}/feedback", { params: { path: { id } }, body: { right, note, by } })),
  approvals: (filter: { state?: "pending"; incidentId?: string }) =>
    answer(client.GET("/api/v1/approvals", { params: { query: defined(filter) } })),
  approve: (id: string, digest: string, by: string, emergency: boolean) =>
    answer(client.POST("/api/v1/approvals/{id}/approve", { params: { path: { id } }, body: { digest, by, emergency } })),
  deny: (id: string, digest: string, by: string) =>
    answer(client.POST("/api/v1/approvals/{id}/deny", { params: { path: { id } }, body: { digest, by } })),
  redButton: () => answer(client.GET("/api/v1/red-button")),
  pressRedButton: (on: boolean, reason: string, by: string) => answer(client.POST("/api/v1/red-button", { body: { on, reason, by } })),
  services: () => answer(client.GET("/api/v1/services")),
  topology: () => answer(client.GET("/api/v1/topology")),
  edges: () => answer(client.GET("/api/v1/topology/edges", { params: { query: {} } })),
  signals: (id: string, window: { from?: number; to?: number }) =>
    answer(
      client.GET("/api/v1/services/{id}/signals", { params: { path: { id }, query: defined(window) } }),
    ) as Promise<unknown> as Promise<SignalsAnswer>,
  logs: (id: string, window: { from?: number; to?: number }) =>
    answer(client.GET("/api/v1/services/{id}/logs", { params: { path: { id }, query: defined(window) } })),
  runbooks: () => answer(client.GET("/api/v1/runbooks")),
  runbook: (id: string) => answer(client.GET("/api/v1/runbooks/{id}", { params: { path: { id } } })),
  autonomy: (runbook: string) => answer(client.GET("/api/v1/autonomy", { params: { query: { runbook } } })),
  decideAutonomy: (id: string, environment: string, decision: "promoted" | "declined" | "demoted", reason: string, by: string) =>
    answer(client.POST("/api/v1/runbooks/{id}/autonomy", { params: { path: { id } }, body: { environment, decision, reason, by } })),
  guidance: (id: string) => answer(client.GET("/api/v1/incidents/{id}/guidance", { params: { path: { id } } })),
  beginGuidance: (id: string, guidance: string, by: string) =>
    answer(client.POST("/api/v1/incidents/{id}/guidance", { params: { path: { id } }, body: { guidance, by } })),
  tickGuidance: (id: string, guidance: string, position: number, done: boolean, by: string) =>
    answer(
      client.POST("/api/v1/incidents/{id}/guidance/{guidance}/steps/{position}", {
        params: { path: { id, guidance, position } },
        body: { done, by, note: "" },
      }),
    ),
  stats: (hours: number) => answer(client.GET("/api/v1/stats", { params: { query: { hours } } })),
  history: (hours: number) => answer(client.GET("/api/v1/stats/history", { params: { query: { hours } } })),
  audit: (query: { cursor?: string | undefined; subject?: string | undefined }) =>
    answer(client.GET("/api/v1/audit", { params: { query: defined(query) } })),
  verifyAudit: () => answer(client.GET("/api/v1/audit/verify")),
  deadLetters: () => answer(client.GET("/api/v1/dead-letters", { params: { query: {} } })),
  decideLetter: (id: string, what: "replay" | "drop", by: string) =>
    answer(client.POST(`/api/v1/dead-letters/{id}/${what}`, { params: { path: { id } }, body: { by } })),
  settings: () => answer(client.GET("/api/v1/settings")),

  readiness: async (): Promise<Readiness> => {
    const response = await fetch("/readyz").catch(() => undefined);
    if (response === undefined) throw new ProblemError(0, "HTTP_UNREACHABLE", "the server does not answer");
    return (await response.json()) as Readiness; // 503 carries the report too
  },
  /** Null where no agent answers beside this console: a page comes instead. */
  models: async () => (await call<ModelsAnswer | undefined>("/api/v1/llm")) ?? null,
  /** @throws ProblemError, also where no executor answers beside this console and a page comes instead */
  dryRun: async ({ runbook, incidentId, runId, given }: DryRunWish): Promise<DryRunView> => {
    const query = new URLSearchParams({ incidentId, ...(runId === undefined ? {} : { runId }) });
    for (const [name, value] of Object.entries(given)) query.append("given", `${name}=${value}`);
    const found = await call<DryRunView | undefined>(`/api/v1/runbooks/${encodeURIComponent(runbook)}/dry-run?${query}`);
    if (found === undefined) throw new ProblemError(503, "EXECUTOR_ABSENT", "No executor answers here, and it alone can tell.");
    return found;
  },
  faults: () => call<List<FaultView>>("/api/v1/faults"),
  drills: () => call<List<DrillView>>("/api/v1/drills?limit=100"),
  drill: (id: string) => call<DrillView>(`/api/v1/drills/${encodeURIComponent(id)}`),
  startDrill: (fault: string, target: string, seconds: number) => post<DrillView>("/api/v1/drills", { fault, target, seconds }),
  quarantine: () => call<List<QuarantineEntry>>("/api/v1/quarantine?limit=100"),
  quarantined: (id: string) => call<QuarantineFull>(`/api/v1/quarantine/${encodeURIComponent(id)}`),
  decideQuarantined: (id: string, what: "replay" | "drop") => post<unknown>(`/api/v1/quarantine/${encodeURIComponent(id)}/${what}`, {}),
  signIn: async (token: string): Promise<void> => {
    await post<unknown>("/api/v1/session", { token });
  },
};

/** Asks about an incident and gives each piece of the answer as it comes. @throws ProblemError when it is refused */
export async function ask(id: string, question: string, signal: AbortSignal, onPiece: (piece: StreamPiece) => void): Promise<void> {
  const response = await fetch(`/api/v1/incidents/${encodeURIComponent(id)}/ask`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ question }),
    signal,
  });
  if (!response.ok || response.body === null) throw problemOf(response.status, await response.json().catch(() => undefined));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const { pieces, rest } = takeEvents(buffer + part.value);
    buffer = rest;
    for (const piece of pieces) onPiece(piece);
  }
}
