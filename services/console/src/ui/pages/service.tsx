import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useMemo } from "react";
import type { SignalsAnswer } from "../api/client.ts";
import { incidentsQuery, logsQuery, servicesQuery, signalsQuery } from "../api/queries.ts";
import { Badge } from "../parts/badges.tsx";
import { IncidentRow } from "../parts/incident-row.tsx";
import { Chart } from "../parts/lazy.tsx";
import { Output } from "../parts/output.tsx";
import { PageHead, Panel } from "../parts/panel.tsx";
import { Empty, Shown } from "../parts/states.tsx";
import type { Marker } from "../view/chart.ts";
import { NAME_OF_SIGNAL, UNIT_OF_SIGNAL } from "../view/figures.ts";
import { Templates } from "./incident/logs.tsx";

const route = getRouteApi("/services/$id");
const ORDER = [
  "request_rate",
  "error_ratio",
  "latency_p95",
  "memory",
  "heap",
  "cpu",
  "event_loop_lag",
  "saturation",
  "restarts",
  "oom_kills",
  "up",
];

/** One service: its signals with what happened to it, its logs, its incidents. */
export function Service() {
  const { id } = route.useParams();
  const { from, to } = route.useSearch();
  const window = { ...(from === undefined ? {} : { from: Number(from) }), ...(to === undefined ? {} : { to: Number(to) }) };
  const services = useQuery(servicesQuery);
  const signals = useQuery(signalsQuery(id, window));
  const logs = useQuery(logsQuery(id, window));
  const incidents = useQuery(incidentsQuery({ service: id, limit: 10 }));
  const service = services.data?.items.find((each) => each.id === id);
  const began = useMemo(
    () =>
      (incidents.data?.items ?? []).map(({ startedAt }): Marker => ({ at: Date.parse(startedAt) / 1000, label: "incident", tone: "bad" })),
    [incidents.data],
  );
  return (
    <>
      <PageHead
        title={
          <>
            {id} {service !== undefined && <Badge state={service.health} />}
          </>
        }
      >
        {service?.revision !== undefined && <code className="quiet">{service.revision}</code>}
      </PageHead>
      <Shown query={signals} lines={8}>
        {(answer) => <Charts answer={answer} incidents={began} />}
      </Shown>
      <div className="halves">
        <Panel title="Logs">
          <Shown query={logs}>{(value) => <Templates logs={value} />}</Shown>
        </Panel>
        <Panel title="Its incidents">
          <Shown query={incidents}>
            {({ items }) =>
              items.length === 0 ? (
                <Empty title="None so far" />
              ) : (
                <ul className="incident-list">
                  {items.map((incident) => (
                    <li key={incident.id}>
                      <IncidentRow incident={incident} />
                    </li>
                  ))}
                </ul>
              )
            }
          </Shown>
        </Panel>
      </div>
    </>
  );
}

function Charts({ answer, incidents }: { answer: SignalsAnswer; incidents: readonly Marker[] }) {
  const charts = useMemo(
    () =>
      ORDER.flatMap((name) => answer.items.filter((item) => item.signal === name)).map((item) => ({
        ...item,
        lines: [
          {
            name: NAME_OF_SIGNAL[item.signal] ?? item.signal,
            samples: item.samples,
          },
        ],
      })),
    [answer],
  );
  const markers = useMemo(
    () => [
      ...incidents,
      ...answer.changes.map((change): Marker => ({ at: Date.parse(change.at) / 1000, label: change.kind, tone: "busy" })),
    ],
    [answer, incidents],
  );
  if (charts.length === 0)
    return (
      <Empty title="It has no metrics in this window">
        {answer.partial.length > 0 ? answer.partial.join("; ") : "Nothing was measured."}
      </Empty>
    );
  return (
    <>
      {answer.partial.length > 0 && <p className="stale">Incomplete: {answer.partial.join("; ")}</p>}
      <div className="charts">
        {charts.map((item) => (
          <Panel key={item.signal} title={NAME_OF_SIGNAL[item.signal] ?? item.signal}>
            <Chart
              label={NAME_OF_SIGNAL[item.signal] ?? item.signal}
              lines={item.lines}
              unit={UNIT_OF_SIGNAL[item.signal] ?? ""}
              markers={markers}
              height={150}
              sync="service"
            />
            <details>
              <summary>Query</summary>
              <Output>{item.query}</Output>
            </details>
          </Panel>
        ))}
      </div>
    </>
  );
}
