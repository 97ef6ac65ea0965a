import { type LogLine, type Severity, SignalName, Topology } from "@tocsin/contracts";
import { createTemplateMiner } from "@tocsin/diagnosis";
import { type Clock, isoTime, type Queryable } from "@tocsin/runtime";
import type { Signals, Window } from "@tocsin/signals";
import type { TargetPort } from "@tocsin/targets";
import type { FastifyPluginAsync } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import * as z from "zod";
import { windowInvalid } from "../errors.ts";
import { EdgeView, LogsView, listOf, ServiceView, SignalsView } from "../views.ts";

/** What a list of services shows of each, besides being up. */
const GLANCE: readonly SignalName[] = ["request_rate", "error_ratio", "latency_p95", "memory"];
const LINES = 5_000;
const SLICES = 24;

const Id = z.object({ id: z.string().min(1).max(200) });
const WindowQuery = z.object({
  /** Unix seconds; the last half hour when absent. */
  from: z.coerce.number().positive().optional(),
  to: z.coerce.number().positive().optional(),
});
const tags = ["services"];

/** The services that are known from anywhere: topology, metrics, what can be acted on, and open incidents. */
export const estateRoutes =
  ({ sql, signals, targets, clock }: { sql: Queryable; signals: Signals; targets: TargetPort; clock: Clock }): FastifyPluginAsync =>
  async (fastify) => {
    const app = fastify.withTypeProvider<ZodTypeProvider>();
    const windowOf = ({ from, to }: z.output<typeof WindowQuery>): Window => {
      const end = to ?? clock.now() / 1000;
      const begin = from ?? end - 1_800;
      if (begin >= end || end - begin > 7 * 86_400) throw windowInvalid("`from` has to lie before `to`, and no more than seven days");
      return { from: begin, to: end };
    };

    app.get("/topology", { schema: { summary: "Who calls whom", tags, response: { 200: Topology } } }, () => signals.topology.current());
    app.get(
      "/topology/edges",
      {
        schema: {
          summary: "Calls, errors and latency between services",
          tags,
          querystring: WindowQuery,
          response: { 200: listOf(EdgeView) },
        },
      },
      async ({ query }) => ({ items: (await signals.traces.edges(windowOf(query))).value, next: null }),
    );

    app.get(
      "/services",
      {
        schema: {
          summary: "Services and their health",
          tags,
          response: { 200: listOf(ServiceView).extend({ partial: z.array(z.string()).readonly() }) },
        },
      },
      async () => {
        const [topology, measured, managed, incidents] = await Promise.all([
          signals.topology.current(),
          signals.metrics.services(),
          targets.list().catch(() => []), // what cannot be acted on right now is still shown
          sql.query<{ service: string; open: number; severity: Severity }>(
            `SELECT service, count(*) AS open, CASE WHEN bool_or(severity = 'critical') THEN 'critical' WHEN bool_or(severity = 'warning') THEN 'warning'
                    ELSE 'info' END AS severity
               FROM incidents WHERE state NOT IN ('closed', 'resolved') AND service IS NOT NULL GROUP BY service`,
          ),
        ]);
        const dependsOn = new Map(topology.services.map((service) => [service.id, service.dependsOn]));
        const targetOf = new Map(managed.map((target) => [target.id, target]));
        const openOf = new Map(incidents.rows.map((row) => [row.service, row]));
        const ids = [...new Set([...dependsOn.keys(), ...measured.value, ...targetOf.keys(), ...openOf.keys()])].sort();
        const items = await Promise.all(
          ids.map(async (id): Promise<ServiceView> => {
            const [up, ...glance] = await Promise.all(
              (["up", ...GLANCE] as const).map(async (signal) => (await signals.metrics.current(id, signal)).value),
            );
            const target = targetOf.get(id);
            const open = openOf.get(id);
            return {
              id,
              health: up === 0 ? "down" : open !== undefined ? "incident" : up === 1 ? "ok" : "unknown",
              openIncidents: open?.open ?? 0,
              ...(open === undefined ? {} : { severity: open.severity }),
              dependsOn: dependsOn.get(id) ?? [],
              now: Object.fromEntries(
                GLANCE.flatMap((signal, n) => (Number.isFinite(glance[n]) ? [[signal, glance[n]]] : [])),
              ) as ServiceView["now"],
              ...(target === undefined ? {} : { revision: target.revision, replicas: target.replicas.length }),
            };
          }),
        );
        return { items, next: null, partial: measured.partial };
      },
    );

    app.get(
      "/services/:id/signals",
      {
        schema: {
          summary: "The signals of a service over a window, and what was changed in it",
          tags,
          params: Id,
          querystring: WindowQuery,
          response: { 200: SignalsView },
        },
      },
      async ({ params, query }) => {
        const window = windowOf(query);
        const step = Math.max(1, Math.ceil((window.to - window.from) / 240));
        const [answer, changes] = await Promise.all([
          signals.metrics.signals([params.id], SignalName.options, window, step),
          signals.changes.between(window),
        ]);
        return {
          items: answer.value.map(({ signal, query: asked, samples }) => ({
            signal,
            query: asked,
            samples: samples.map(([at, value]): [number, number | null] => [at, Number.isFinite(value) ? value : null]),
          })),
          changes: changes.value.filter((change) => change.service === params.id),
          partial: [...answer.partial, ...changes.partial],
        };
      },
    );

    app.get(
      "/services/:id/logs",
      {
        schema: {
          summary: "What a service logged, as templates with counts",
          tags,
          params: Id,
          querystring: WindowQuery,
          response: { 200: LogsView },
        },
      },
      async ({ params, query }) => {
        const window = windowOf(query);
        const { value, partial } = await signals.logs.lines(params.id, window, LINES);
        return { templates: templatesOf(value, window), lines: value.length, partial };
      },
    );
  };

const RANK = { debug: 0, info: 1, warn: 2, error: 3 } as const;

/** Pure: lines as their templates, the worst level and the most frequent first, each with when it came and its last examples. */
export function templatesOf(lines: readonly LogLine[], window: Window) {
  const miner = createTemplateMiner();
  const byId = new Map<
    number,
    { count: number; level: LogLine["level"]; first: number; last: number; spread: number[]; examples: LogLine[] }
  >();
  for (const line of lines) {
    const { id } = miner.add(line.message);
    const slice = Math.min(SLICES - 1, Math.max(0, Math.floor(((line.at - window.from) / (window.to - window.from)) * SLICES)));
    let seen = byId.get(id);
    if (seen === undefined) {
      seen = { count: 0, level: line.level, first: line.at, last: line.at, spread: new Array<number>(SLICES).fill(0), examples: [] };
      byId.set(id, seen);
    }
    seen.count++;
    seen.last = line.at;
    if (RANK[line.level] > RANK[seen.level]) seen.level = line.level;
    seen.spread[slice] = (seen.spread[slice] ?? 0) + 1;
    seen.examples.push(line);
    if (seen.examples.length > 5) seen.examples.shift();
  }
  return miner
    .templates()
    .flatMap(({ id, text }) => {
      const seen = byId.get(id);
      return seen === undefined ? [] : [{ text, ...seen }];
    })
    .sort((a, b) => RANK[b.level] - RANK[a.level] || b.count - a.count)
    .slice(0, 100)
    .map(({ text, count, level, first, last, spread, examples }) => ({
      text,
      count,
      level,
      firstAt: isoTime(first * 1000),
      lastAt: isoTime(last * 1000),
      spread,
      examples: examples.map(({ at, message }) => ({ at: isoTime(at * 1000), message })),
    }));
}
