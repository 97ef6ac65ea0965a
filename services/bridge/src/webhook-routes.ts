import type { Cache } from "@tocsin/cache";
import { problemOf } from "@tocsin/http";
import { AppError, type Clock, type Logger, messageOf } from "@tocsin/runtime";
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import { authenticate, type Door, type Verdict } from "./auth.ts";
import type { BridgeConfig } from "./config.ts";
import { bodyTooLarge, draining, inboxFull, rateExceeded, sourceForbidden, sourceUnknown, tooMany, unauthenticated } from "./errors.ts";
import type { DeliveryContext, Receipt } from "./intake.ts";
import type { BridgeMetrics } from "./metrics.ts";
import { RESERVED_SOURCES, SOURCE_NAME } from "./parse/mapping.ts";

/** What takes the deliveries of a door: reads them and makes them durable. */
export type Take = (body: Uint8Array, context: DeliveryContext) => Promise<Receipt>;

export interface DoorDeps {
  readonly config: BridgeConfig;
  readonly cache: Cache;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: BridgeMetrics;
  readonly inboxDepth: () => number;
  readonly gate: Gate;
}

/** Counts the deliveries under way, so that a stop can wait for them. */
export interface Gate {
  readonly isDraining: boolean;
  readonly inside: number;
  enter(): () => void;
  /** Lets nothing more in and resolves when what is inside is done. */
  drain(): Promise<void>;
}

export function createGate(): Gate {
  let inside = 0;
  let closed = false;
  let whenEmpty: (() => void) | undefined;
  return {
    get isDraining() {
      return closed;
    },
    get inside() {
      return inside;
    },
    enter() {
      inside++;
      return () => {
        inside--;
        if (inside === 0) whenEmpty?.();
      };
    },
    drain() {
      closed = true;
      return inside === 0 ? Promise.resolve() : new Promise((resolve) => (whenEmpty = resolve));
    },
  };
}

/** Headers that help a person understand what was sent. No credentials, no signatures, no cookies. */
const KEPT_HEADERS = ["content-type", "content-encoding", "user-agent", "webhook-id", "traceparent"] as const;
const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
/** Seconds after which a sender that was told 503 may come again. */
const RETRY_AFTER_SECONDS = "5";
const RATE_WINDOW_MS = 60_000;

/**
 * What all webhooks have in common. The bytes are kept as they came, whatever the sender calls them: signatures are over
 * them, and what cannot be read is quarantined with them.
 */
function openDoor(app: FastifyInstance, { config, cache, clock, log, metrics, inboxDepth, gate }: DoorDeps) {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer", bodyLimit: config.bodyLimitBytes }, (_request, body, done) => done(null, body));
  app.addHook("onRequest", async (request) => {
    // A media type that is no media type would be answered 415 before anybody had seen the body.
    request.headers = { "content-type": "application/octet-stream" }; // adds to what was sent; `raw.headers` keeps the sender's
  });
  app.setErrorHandler((error, request, reply) => {
    const refusal = (error as { statusCode?: number }).statusCode === 413 ? bodyTooLarge(config.bodyLimitBytes) : error;
    const problem = problemOf(refusal);
    const source = sourceOf(request);
    metrics.refused(source, problem.code);
    metrics.delivery(source, problem.status, reply.elapsedTime / 1000);
    if (problem.status === 503) reply.header("retry-after", RETRY_AFTER_SECONDS);
    const fields = { source, code: problem.code, reason: messageOf(refusal), ...(AppError.is(refusal) ? {} : { err: refusal }) };
    log[problem.status === 500 ? "error" : "warn"](fields, "delivery refused");
    return reply.code(problem.status).type("application/problem+json").send(problem);
  });

  /** Alertmanager sends POST, Grafana POST or PUT. */
  return function listenAt(url: string, door: Door, sourceFor: (request: FastifyRequest) => string, take: (source: string) => Take): void {
    app.route({
      method: door === "grafana" ? ["POST", "PUT"] : "POST",
      url,
      bodyLimit: config.bodyLimitBytes,
      async handler(request: FastifyRequest, reply: FastifyReply) {
        if (gate.isDraining) throw draining();
        if (gate.inside >= config.inFlightLimit) throw tooMany(gate.inside);
        const leave = gate.enter();
        try {
          const body = request.body instanceof Uint8Array ? request.body : new Uint8Array();
          const { headers } = request; // put together anew at each look
          const verdict = authenticate(door, headers, body, config, clock.now());
          if (verdict.kind === "out") throw unauthenticated(verdict.reason);
          const source = sourceFor(request);
          if ((await cache.add(`bridge:rate:${source}`, 1, RATE_WINDOW_MS)) > config.ratePerMinute)
            throw rateExceeded(source, config.ratePerMinute);
          if (inboxDepth() >= config.inboxLimit) throw inboxFull(inboxDepth());

          const deliver = () => take(source)(body, contextOf(headers, request.raw.headers["content-type"]));
          const key = deliveryKey(verdict, door, source, headers);
          const receipt = key === undefined ? await deliver() : await once(`bridge:delivery:${key}`, deliver);
          metrics.delivery(source, 202, reply.elapsedTime / 1000);
          return reply.code(202).send(receipt);
        } finally {
          leave();
        }
      },
    });
  };

  /** A signed delivery that is played again is answered as the first was, with everything a duplicate. */
  async function once(key: string, deliver: () => Promise<Receipt>): Promise<Receipt> {
    const before = await cache.get(key);
    if (before !== undefined) return { accepted: 0, duplicates: Number(before), quarantined: 0 };
    const receipt = await deliver();
    const members = receipt.accepted + receipt.duplicates + receipt.quarantined;
    await cache.set(key, String(members), config.signatureToleranceSeconds * 2_000);
    return receipt;
  }
}

/** `/webhooks/alertmanager`, `/webhooks/grafana`, `/webhooks/gitlab` and `/webhooks/generic/:source`. */
export const webhookRoutes =
  (deps: DoorDeps, take: (source: string) => Take): FastifyPluginAsync =>
  async (app) => {
    const listen = openDoor(app, deps);
    listen("/alertmanager", "alertmanager", () => "alertmanager", take);
    listen("/grafana", "grafana", () => "grafana", take);
    listen("/gitlab", "gitlab", () => "gitlab", take);
    listen("/generic/:source", "generic", (request) => genericSource((request.params as { source: string }).source, deps.config), take);
  };

/** @throws AppError `BRIDGE_SOURCE_UNKNOWN`, `BRIDGE_SOURCE_FORBIDDEN` */
function genericSource(source: string, { sources, genericUnmapped }: BridgeConfig): string {
  if (source === "change") return source;
  if (!SOURCE_NAME.test(source) || RESERVED_SOURCES.has(source)) throw sourceUnknown(source);
  if (genericUnmapped === "refuse" && !sources.has(source)) throw sourceForbidden(source);
  return source;
}

function contextOf(sent: FastifyRequest["headers"], contentType: string | undefined): DeliveryContext {
  const headers: Record<string, string> = {};
  for (const name of KEPT_HEADERS) {
    const value = name === "content-type" ? contentType : sent[name];
    if (typeof value === "string") headers[name] = value.slice(0, 500);
  }
  const { traceparent } = sent;
  return { headers, ...(typeof traceparent === "string" && TRACEPARENT.test(traceparent) ? { traceparent } : {}) };
}

/** What names a delivery as a whole, where something does: its signature's text, or the idempotency key of a generic sender. */
function deliveryKey(
  verdict: Exclude<Verdict, { kind: "out" }>,
  door: Door,
  source: string,
  headers: FastifyRequest["headers"],
): string | undefined {
  if (verdict.kind === "signed") return `${source}:${verdict.deliveryKey}`;
  // GitLab repeats its key on each retry of one delivery.
  const id = headers[door === "gitlab" ? "idempotency-key" : "webhook-id"];
  return (door === "generic" || door === "gitlab") && typeof id === "string" && id.length <= 200 ? `${source}:webhook:${id}` : undefined;
}

const sourceOf = (request: FastifyRequest): string => {
  const { source } = (request.params ?? {}) as { source?: string };
  if (source !== undefined) return SOURCE_NAME.test(source) ? source : "unknown";
  return request.routeOptions.url?.split("/").at(-1) ?? "unknown";
};
