import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { ServiceItem } from "../api/client.ts";
import { edgesQuery, servicesQuery, topologyQuery } from "../api/queries.ts";
import { Badge } from "../parts/badges.tsx";
import { ServiceMap } from "../parts/lazy.tsx";
import { PageHead, Panel } from "../parts/panel.tsx";
import { Empty, Shown } from "../parts/states.tsx";
import { figure, percent } from "../view/figures.ts";

const route = getRouteApi("/services");
const TONES = { ok: "good", incident: "warn", down: "bad", unknown: "calm" } as const;
/** More than this and the picture says less than the list; the filter narrows it. */
const MAX_MAP = 120;

/** Health at a glance, and who calls whom. */
export function Services() {
  const query = useQuery(servicesQuery);
  const { find = "", health = "" } = route.useSearch();
  const navigate = route.useNavigate();
  const change = (search: { find?: string; health?: string }) =>
    void navigate({ search: (before) => ({ ...before, ...search }), replace: true });
  return (
    <>
      <PageHead title="Services">
        <select aria-label="Health" value={health} onChange={(event) => change({ health: event.target.value })}>
          <option value="">Any health</option>
          <option value="incident">With an incident</option>
          <option value="down">Down</option>
          <option value="ok">Well</option>
          <option value="unknown">Unknown</option>
        </select>
        <input
          type="search"
          aria-label="Find a service"
          placeholder="Find a service"
          value={find}
          onChange={(event) => change({ find: event.target.value })}
        />
      </PageHead>
      <Shown query={query} lines={8}>
        {({ items, partial }) => {
          const shown = items.filter((item) => item.id.includes(find) && (health === "" || item.health === health));
          return (
            <>
              {partial.length > 0 && <p className="stale">Incomplete: {partial.join("; ")}</p>}
              {items.length === 0 ? (
                <Empty title="No service is known yet">Services come from metrics, traces, the topology and what can be acted on.</Empty>
              ) : (
                <>
                  <Picture services={shown} />
                  <List services={shown} />
                </>
              )}
            </>
          );
        }}
      </Shown>
    </>
  );
}

function Picture({ services }: { services: readonly ServiceItem[] }) {
  const topology = useQuery(topologyQuery);
  const edges = useQuery(edgesQuery);
  const navigate = route.useNavigate();
  if (services.length > MAX_MAP || services.length === 0) return null;
  const ids = new Set(services.map(({ id }) => id));
  const stats = new Map((edges.data?.items ?? []).map((edge) => [`${edge.from}\n${edge.to}`, edge]));
  const calls = (topology.data?.services ?? []).flatMap(({ id, dependsOn }) => dependsOn.map((to) => ({ from: id, to })));
  return (
    <Panel title="Who calls whom">
      <ServiceMap
        label="Services and their calls"
        nodes={services.map((service) => ({
          id: service.id,
          tone: service.health === "ok" ? "calm" : TONES[service.health],
          note:
            service.health === "ok"
              ? figure(service.now.request_rate, "per second")
              : service.health === "incident"
                ? "incident"
                : service.health,
        }))}
        edges={calls
          .filter(({ from, to }) => ids.has(from) && ids.has(to))
          .map(({ from, to }) => {
            const seen = stats.get(`${from}\n${to}`);
            const failing = seen !== undefined && seen.calls > 0 && seen.errors / seen.calls > 0.02;
            return {
              from,
              to,
              ...(seen === undefined
                ? {}
                : { label: failing ? `${percent(seen.errors / seen.calls)} fail` : figure(seen.p95Ms / 1000, "seconds") }),
              tone: failing ? ("bad" as const) : ("calm" as const),
            };
          })}
        onOpen={(id) => void navigate({ to: "/services/$id", params: { id } })}
      />
    </Panel>
  );
}

const List = ({ services }: { services: readonly ServiceItem[] }) => (
  <Panel title="At a glance">
    <div className="table-frame">
      <table>
        <thead>
          <tr>
            <th scope="col">Service</th>
            <th scope="col">Health</th>
            <th scope="col" className="figure">
              Requests
            </th>
            <th scope="col" className="figure">
              Errors
            </th>
            <th scope="col" className="figure">
              Latency p95
            </th>
            <th scope="col" className="figure">
              Memory
            </th>
            <th scope="col">Revision</th>
          </tr>
        </thead>
        <tbody>
          {services.map((service) => (
            <tr key={service.id}>
              <td>
                <Link to="/services/$id" params={{ id: service.id }} data-row>
                  {service.id}
                </Link>
              </td>
              <td>
                <Badge state={service.health} />
              </td>
              <td className="figure">{figure(service.now.request_rate, "per second")}</td>
              <td className="figure">{percent(service.now.error_ratio)}</td>
              <td className="figure">{figure(service.now.latency_p95, "seconds")}</td>
              <td className="figure">{figure(service.now.memory, "bytes")}</td>
              <td>
                <code>{service.revision ?? "–"}</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
    {services.length === 0 && <Empty title="No service fits" />}
  </Panel>
);
