import type { EventBus } from "@tocsin/bus";
import { type Cache, openCache } from "@tocsin/cache";
import type { Alert, OutgoingEvent } from "@tocsin/contracts";
import { problemOf } from "@tocsin/http";
import { AppError, type OnStop, type Sql, silentLogger } from "@tocsin/runtime";
import type { Store } from "@tocsin/store";
import { fakeClock } from "@tocsin/testkit";
import fastify, { type FastifyInstance, type FastifyPluginAsync } from "fastify";
import { Registry } from "prom-client";
import { BridgeConfig } from "../src/config.ts";
import { bridge } from "../src/module.ts";

/** A bus that can be taken away, and shows what it was given. */
export interface FakeBus extends Pick<EventBus, "publish"> {
  readonly events: OutgoingEvent[];
  away: boolean;
  /** Never answers. */
  silent: boolean;
  refuse?: ((event: OutgoingEvent) => string | undefined) | undefined;
  publishes: number;
}

export function fakeBus(): FakeBus {
  const bus: FakeBus = {
    events: [],
    away: false,
    silent: false,
    publishes: 0,
    async publish(events) {
      bus.publishes++;
      if (bus.silent) return new Promise<void>(() => {});
      if (bus.away) throw new AppError("BUS_UNAVAILABLE", "away", { retryable: true });
      const code = events.map((event) => bus.refuse?.(event)).find((found) => found !== undefined);
      if (code !== undefined) throw new AppError(code, "refused");
      bus.events.push(...(JSON.parse(JSON.stringify(events)) as OutgoingEvent[]));
    },
  };
  return bus;
}

/** A store that can be taken away. */
export function breakable(sql: Sql): Sql & { away: boolean } {
  const down = () => new AppError("STORE_UNAVAILABLE", "away", { retryable: true });
  const wrapped = {
    away: false,
    query: (...args: Parameters<Sql["query"]>) => (wrapped.away ? Promise.reject(down()) : sql.query(...args)),
    transaction: (work: Parameters<Sql["transaction"]>[0]) => (wrapped.away ? Promise.reject(down()) : sql.transaction(work)),
    listen: (...args: Parameters<Sql["listen"]>) => sql.listen(...args),
  };
  return wrapped as Sql & { away: boolean };
}

export interface Assembly {
  readonly app: FastifyInstance;
  readonly bus: FakeBus;
  readonly sql: Sql & { away: boolean };
  readonly cache: Cache;
  readonly registry: Registry;
  readonly clock: ReturnType<typeof fakeClock>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<{ status: number; body: unknown; headers: object }>;
  get(path: string): Promise<{ status: number; body: unknown }>;
  alerts(): Alert[];
  metric(name: string, labels?: Record<string, string>): Promise<number>;
  stop(): Promise<void>;
}

/** The module as `host` would start it, on a bare Fastify, a fake bus and an embedded store. */
export async function assemble(store: Store, env: Record<string, string> = {}, bus = fakeBus()): Promise<Assembly> {
  const clock = fakeClock("2026-08-20T10:05:00.000Z");
  const sql = breakable(store.sql);
  const cache = await openCache({ url: "memory:", log: silentLogger, clock });
  const registry = new Registry();
  const app = fastify();
  app.setErrorHandler((error, _request, reply) => {
    const problem = problemOf(error);
    return reply.code(problem.status).send(problem);
  });
  const steps: (() => unknown)[] = [];
  const onStop: OnStop = (_name, step) => steps.unshift(step);
  const http = {
    fastify: app,
    address: "",
    addCheck() {},
    mount: async (prefix: string, routes: FastifyPluginAsync) => void (await app.register(routes, { prefix })),
  };
  await bridge.start({
    config: BridgeConfig.parse(env),
    bus,
    store: { ...store, sql },
    cache,
    http,
    log: silentLogger,
    registry,
    clock,
    onStop,
    onReady() {},
    fail(error: unknown) {
      throw error;
    },
  } as unknown as Parameters<typeof bridge.start>[0]);

  return {
    app,
    bus,
    sql,
    cache,
    registry,
    clock,
    async post(url, body, headers = {}) {
      const payload = typeof body === "string" || body instanceof Uint8Array ? Buffer.from(body) : JSON.stringify(body);
      const answer = await app.inject({ method: "POST", url, payload, headers: { "content-type": "application/json", ...headers } });
      return { status: answer.statusCode, body: answer.json(), headers: answer.headers };
    },
    async get(url) {
      const answer = await app.inject({ method: "GET", url });
      return { status: answer.statusCode, body: answer.json() };
    },
    alerts: () => bus.events.map((event) => event.data as Alert),
    async metric(name, labels = {}) {
      const found = (await registry.getSingleMetric(name)?.get())?.values ?? [];
      return found
        .filter((value) => Object.entries(labels).every(([label, text]) => value.labels[label] === text))
        .reduce((sum, value) => sum + value.value, 0);
    },
    async stop() {
      for (const step of steps) await step();
      await app.close();
    },
  };
}

/** An Alertmanager body with these members. */
export const delivery = (...alerts: unknown[]) => ({
  version: "4",
  groupKey: '{}:{alertname="HighErrorRate"}',
  truncatedAlerts: 0,
  receiver: "tocsin",
  status: "firing",
  groupLabels: {},
  commonLabels: {},
  commonAnnotations: {},
  externalURL: "http://alertmanager:9093",
  alerts,
});

export const firing = (labels: Record<string, string> = {}, more: Record<string, unknown> = {}) => ({
  status: "firing",
  labels: { alertname: "HighErrorRate", service: "checkout", severity: "critical", ...labels },
  annotations: { summary: "5xx ratio above 5 %" },
  startsAt: "2026-08-20T10:00:03.512345678Z",
  endsAt: "0001-01-01T00:00:00Z",
  generatorURL: "http://prometheus:9090/graph?g0.expr=up",
  fingerprint: "9f1c2d3e4a5b6c7d",
  ...more,
});
