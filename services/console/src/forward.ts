import replyFrom from "@fastify/reply-from";
import type { Clock, Logger } from "@tocsin/runtime";
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import { routeNotFound, upstreamUnavailable } from "./errors.ts";
import { FORWARDED, type ForwardedService, isForwarded, type Upstreams, upstreamEntries } from "./forward-table.ts";

export interface ForwardDeps {
  readonly upstreams: Upstreams;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How long an origin that refused is passed over, in milliseconds. A service that was killed is back in about this time. */
const AVOID_MS = 3_000;
/** A model may think for long before it answers; a live stream then stays open for as long as it likes. */
const HEADERS_TIMEOUT_MS = 180_000;
const CHECK_TIMEOUT_MS = 1_500;
const DOCUMENT_TIMEOUT_MS = 2_000;

/** Which of a service's origins is asked next: in turn, those that refused lately last. */
export function originPicker(origins: readonly string[], clock: Pick<Clock, "now">) {
  const refusedAt = new Map<string, number>();
  let turn = 0;
  return {
    pick(except: ReadonlySet<string> = new Set()): string | undefined {
      turn++;
      const inTurn = origins.map((_, index) => origins[(turn + index) % origins.length] as string).filter((origin) => !except.has(origin));
      const isAvoided = (origin: string) => clock.now() - (refusedAt.get(origin) ?? Number.NEGATIVE_INFINITY) < AVOID_MS;
      return inTurn.find((origin) => !isAvoided(origin)) ?? inTurn[0];
    },
    refused: (origin: string) => void refusedAt.set(origin, clock.now()),
  };
}

/**
 * Passes on what other services answer, bodies and live streams as they are, with the token or cookie that the request came with. A
 * service that is away is 503 with its name; a request that only reads is tried at each of its replicas first.
 */
export const forwardRoutes =
  ({ upstreams, clock, log }: ForwardDeps): FastifyPluginAsync =>
  async (app) => {
    await app.register(replyFrom, {
      disableRequestLogging: true,
      undici: { bodyTimeout: 0, headersTimeout: HEADERS_TIMEOUT_MS, connectTimeout: 3_000, connections: 128 },
    });
    // Bodies pass as bytes: the bridge checks signatures over them, and limits are those of whoever reads them.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", (_request, payload, done) => done(null, payload));

    for (const [service, origins] of upstreamEntries(upstreams)) {
      const picker = originPicker(origins, clock);
      const send = (request: FastifyRequest, reply: FastifyReply, tried: ReadonlySet<string>): FastifyReply => {
        const origin = picker.pick(tried) as string;
        return reply.from(origin + request.url, {
          rewriteRequestHeaders: (_request, { origin: _checkedHere, ...headers }) => headers,
          retryDelay: () => null,
          onError(failed, { error }) {
            picker.refused(origin);
            log.warn({ service, origin, reason: error.message }, "service did not answer");
            const all = new Set([...tried, origin]);
            const mayRepeat = request.method === "GET" || request.method === "HEAD";
            if (mayRepeat && all.size < origins.length) send(request, failed as FastifyReply, all);
            else (failed as FastifyReply).send(upstreamUnavailable(service, error));
          },
        });
      };
      for (const url of FORWARDED[service])
        app.route({
          method: ["GET", "POST", "PUT", "PATCH", "DELETE"],
          url,
          schema: { hide: true },
          handler: (request, reply) => {
            // A path with `..` in it would reach another route there than the one that was matched here.
            const path = request.url.split("?")[0] ?? "";
            if (new URL(request.url, "http://here").pathname !== path) throw routeNotFound(request.method, path);
            return send(request, reply, new Set());
          },
        });
    }
  };

/** Is some replica of the service ready? For `/readyz`. @throws Error that says what it answered */
export async function checkUpstream(origins: readonly string[]): Promise<void> {
  const answers = await Promise.allSettled(
    origins.map(async (origin) => {
      const answer = await fetch(`${origin}/readyz`, { signal: AbortSignal.timeout(CHECK_TIMEOUT_MS) });
      if (!answer.ok) throw new Error(`${origin} answers ${answer.status}`);
    }),
  );
  if (answers.some(({ status }) => status === "fulfilled")) return;
  const reasons = answers.map((answer) => (answer.status === "rejected" ? String((answer.reason as Error).message) : ""));
  throw new Error(reasons.map((reason, index) => (reason.startsWith("http") ? reason : `${origins[index]}: ${reason}`)).join("; "));
}

interface ApiDocument {
  readonly paths?: Readonly<Record<string, unknown>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, unknown>> };
}

/** Adds what is forwarded to the description of this API, as the services describe it themselves. A service that is away is left out. */
export function describeForwarded(app: FastifyInstance, upstreams: Upstreams): void {
  app.addHook("preSerialization", async (request, _reply, payload) => {
    if (request.routeOptions.url !== "/api/openapi.json") return payload;
    const { authorization, cookie } = request.headers;
    return await joinDocuments(payload as ApiDocument, upstreams, { ...(authorization && { authorization }), ...(cookie && { cookie }) });
  });
}

async function joinDocuments(own: ApiDocument, upstreams: Upstreams, authorization: Readonly<Record<string, string>>) {
  const theirs = await Promise.all(
    upstreamEntries(upstreams).map(async ([service, origins]) => {
      const read = (origin: string) =>
        fetch(`${origin}/api/openapi.json`, { headers: authorization, signal: AbortSignal.timeout(DOCUMENT_TIMEOUT_MS) }).then((answer) =>
          answer.ok ? (answer.json() as Promise<ApiDocument>) : Promise.reject(new Error(`${origin} answers ${answer.status}`)),
        );
      const document = await Promise.any(origins.map(read)).catch(() => ({}) as ApiDocument);
      return { paths: forwardedPaths(service, document), schemas: document.components?.schemas ?? {} };
    }),
  );
  return {
    ...own,
    paths: Object.assign({}, ...theirs.map(({ paths }) => paths), own.paths),
    components: {
      ...own.components,
      schemas: Object.assign({}, ...theirs.map(({ schemas }) => schemas), own.components?.schemas),
    },
  };
}

const forwardedPaths = (service: ForwardedService, { paths = {} }: ApiDocument): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(paths).filter(([path]) => isForwarded(service, path)));
