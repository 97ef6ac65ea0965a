import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useMemo } from "react";
import type { History } from "../api/client.ts";
import { historyQuery, statsQuery } from "../api/queries.ts";
import { Chart } from "../parts/lazy.tsx";
import { PageHead, Panel } from "../parts/panel.tsx";
import { Empty, Shown } from "../parts/states.tsx";
import { percent } from "../view/figures.ts";
import { span } from "../view/time.ts";

const route = getRouteApi("/insights");
const WINDOWS = [
  [1, "Last hour"],
  [24, "Last day"],
  [168, "Last 7 days"],
  [720, "Last 30 days"],
  [2160, "Last 90 days"],
] as const;

/** How the platform does: quick, quiet, right. */
export function Insights() {
  const search = route.useSearch();
  const hours = Number(search.hours ?? 168) || 168;
  const navigate = route.useNavigate();
  const stats = useQuery(statsQuery(hours));
  const history = useQuery(historyQuery(hours));
  const time = (seconds: number | null) => (seconds === null ? "–" : span(seconds));
  return (
    <>
      <PageHead title="Insights">
        <select
          aria-label="Window"
          value={hours}
          onChange={(event) => void navigate({ search: { hours: event.target.value }, replace: true })}
        >
          {WINDOWS.map(([value, name]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </select>
      </PageHead>
      <Shown query={stats} lines={4}>
        {(value) => (
          <Panel title="In short" className="wide-figures">
            <dl className="figures">
              <Figure name="To detect" value={time(value.timeToDetectSeconds)} note="from the alert's start, median" />
              <Figure name="To acknowledge" value={time(value.timeToAcknowledgeSeconds)} note="until work began, median" />
              <Figure name="To resolve" value={time(value.timeToResolveSeconds)} note="from the start, median" />
              <Figure
                name="Less noise"
                value={percent(value.noiseReduction)}
                note={`${value.alerts} alerts, ${value.incidents} incidents`}
              />
              <Figure name="Fixes that held" value={percent(value.verifiedFixRate)} note={`of ${value.runs} runs, verified`} />
              <Figure name="Undone" value={percent(value.undoRate)} note="runs taken back" />
              <Figure name="Handed to people" value={String(value.escalated)} note="incidents escalated" />
              <Figure
                name="Causes people agree with"
                value={history.data === undefined ? "–" : agreement(history.data)}
                note={history.data === undefined ? "" : `${history.data.feedback.right + history.data.feedback.wrong} answers`}
              />
            </dl>
          </Panel>
        )}
      </Shown>
      <Shown query={history} lines={8}>
        {(value) =>
          value.buckets.some((bucket) => bucket.alerts + bucket.incidents > 0) ? (
            <Charts history={value} />
          ) : (
            <Empty title="Nothing happened in this window" />
          )
        }
      </Shown>
    </>
  );
}

const agreement = ({ feedback: { right, wrong } }: History): string => (right + wrong === 0 ? "–" : percent(right / (right + wrong)));

const Figure = ({ name, value, note }: { name: string; value: string; note: string }) => (
  <div>
    <dt>{name}</dt>
    <dd>{value}</dd>
    <dd className="figure-note">{note}</dd>
  </div>
);

function Charts({ history }: { history: History }) {
  const lines = useMemo(() => {
    const pick = (of: (bucket: History["buckets"][number]) => number | null) =>
      history.buckets.map((bucket) => [Date.parse(bucket.at) / 1000, of(bucket)] as const);
    return {
      volume: [
        { name: "Alerts", samples: pick((bucket) => bucket.alerts), tone: "busy" as const },
        { name: "Incidents", samples: pick((bucket) => bucket.incidents), tone: "main" as const },
      ],
      resolve: [{ name: "To resolve", samples: pick((bucket) => bucket.timeToResolveSeconds) }],
      acknowledge: [{ name: "To acknowledge", samples: pick((bucket) => bucket.timeToAcknowledgeSeconds) }],
      fixes: [
        { name: "Runs", samples: pick((bucket) => bucket.runs), tone: "busy" as const },
        { name: "Helped", samples: pick((bucket) => bucket.succeeded), tone: "good" as const },
      ],
    };
  }, [history]);
  return (
    <>
      <div className="charts">
        <Panel title="Alerts and incidents">
          <Chart label="Alerts and incidents over time" lines={lines.volume} unit="count" bars height={170} sync="insights" />
        </Panel>
        <Panel title="Time to resolve">
          <Chart label="Median time to resolve" lines={lines.resolve} unit="seconds" bars height={170} sync="insights" />
        </Panel>
        <Panel title="Time to acknowledge">
          <Chart label="Median time to acknowledge" lines={lines.acknowledge} unit="seconds" bars height={170} sync="insights" />
        </Panel>
        <Panel title="Fixes">
          <Chart label="Runs, and runs that helped" lines={lines.fixes} unit="count" bars height={170} sync="insights" />
        </Panel>
      </div>
      <Panel title="By service" className="after-charts">
        <div className="table-frame">
          <table>
            <thead>
              <tr>
                <th scope="col">Service</th>
                <th scope="col" className="figure">
                  Incidents
                </th>
                <th scope="col" className="figure">
                  Open
                </th>
                <th scope="col" className="figure">
                  To resolve
                </th>
                <th scope="col" className="figure">
                  Fixes that held
                </th>
              </tr>
            </thead>
            <tbody>
              {history.services.map((row) => (
                <tr key={row.service}>
                  <td>
                    <Link to="/incidents" search={{ service: row.service }} data-row>
                      {row.service}
                    </Link>
                  </td>
                  <td className="figure">{row.incidents}</td>
                  <td className="figure">{row.open}</td>
                  <td className="figure">{row.timeToResolveSeconds === null ? "–" : span(row.timeToResolveSeconds)}</td>
                  <td className="figure">{row.runs === 0 ? "–" : `${row.succeeded} of ${row.runs}`}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </Panel>
    </>
  );
}
