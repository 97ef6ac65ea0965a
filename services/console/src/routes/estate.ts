import type { Queryable } from "@tocsin/runtime";
import type { Signals } from "@tocsin/signals";
import type { TargetPort } from "@tocsin/targets";
import type { FastifyPluginAsync } from "fastify";

/** How a service does, as a list shows it. */
interface ServiceView {
  readonly id: string;
  readonly health: "ok" | "incident" | "down" | "unknown";
  readonly openIncidents: number;
  readonly dependsOn: readonly string[];
  readonly revision?: string;
  readonly replicas?: number;
}

/** The services that are known from anywhere: topology, metrics, what can be acted on, and open incidents. */
export const estateRoutes =
  ({ sql, signals, targets }: { sql: Queryable; signals: Signals; targets: TargetPort }): FastifyPluginAsync =>
  async (app) => {
    app.get("/topology", { schema: { summary: "Who calls whom", tags: ["services"] } }, () => signals.topology.current());

    app.get("/services", { schema: { summary: "Services and their health", tags: ["services"] } }, async () => {
      const [topology, measured, managed, incidents] = await Promise.all([
        signals.topology.current(),
        signals.metrics.services(),
        targets.list().catch(() => []), // what cannot be acted on right now is still shown
        sql.query<{ service: string; open: number }>(
          "SELECT service, count(*) AS open FROM incidents WHERE state NOT IN ('closed', 'resolved') AND service IS NOT NULL GROUP BY service",
        ),
      ]);
      const dependsOn = new Map(topology.services.map((service) => [service.id, service.dependsOn]));
      const targetOf = new Map(managed.map((target) => [target.id, target]));
      const openOf = new Map(incidents.rows.map((row) => [row.service, row.open]));
      const ids = [...new Set([...dependsOn.keys(), ...measured.value, ...targetOf.keys(), ...openOf.keys()])].sort();
      const up = new Map(await Promise.all(ids.map(async (id) => [id, (await signals.metrics.current(id, "up")).value] as const)));
      const items = ids.map((id): ServiceView => {
        const target = targetOf.get(id);
        const openIncidents = openOf.get(id) ?? 0;
        const health = up.get(id) === 0 ? "down" : openIncidents > 0 ? "incident" : up.get(id) === 1 ? "ok" : "unknown";
        return {
          id,
          health,
          openIncidents,
          dependsOn: dependsOn.get(id) ?? [],
          ...(target === undefined ? {} : { revision: target.revision, replicas: target.replicas.length }),
        };
      });
      return { items, next: null, partial: measured.partial };
    });
  };
