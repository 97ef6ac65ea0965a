import { useQuery } from "@tanstack/react-query";
import type { LogsAnswer } from "../../api/client.ts";
import { logsQuery } from "../../api/queries.ts";
import { Panel } from "../../parts/panel.tsx";
import { Shown } from "../../parts/states.tsx";
import { count } from "../../view/figures.ts";
import { clock } from "../../view/time.ts";

/** Before the first alert, in seconds: what led to it is most often logged then. */
const BEFORE_SECONDS = 120;
const AFTER_SECONDS = 300;

/** What the service logged around the beginning. */
export function Logs({ service, startedAt, closedAt }: { service: string; startedAt: string; closedAt?: string | undefined }) {
  const from = Math.floor(Date.parse(startedAt) / 1000) - BEFORE_SECONDS;
  const to = Math.min(
    from + BEFORE_SECONDS + AFTER_SECONDS,
    closedAt === undefined ? Number.POSITIVE_INFINITY : Math.ceil(Date.parse(closedAt) / 1000),
  );
  const query = useQuery(logsQuery(service, { from, to }));
  return (
    <Panel title={`Logs of ${service}`}>
      <Shown query={query} lines={3}>
        {(logs) => <Templates logs={logs} />}
      </Shown>
    </Panel>
  );
}

/** Lines by their template: how often, when, and the lines themselves one click away. */
export function Templates({ logs }: { logs: LogsAnswer }) {
  if (logs.templates.length === 0)
    return (
      <p className="quiet">
        {logs.partial.length > 0 ? logs.partial.join("; ") : "It logged nothing then, or the lines are no longer kept."}
      </p>
    );
  return (
    <>
      <ul className="templates">
        {logs.templates.slice(0, 12).map((template) => (
          <li key={`${template.level}:${template.text}`}>
            <details>
              <summary>
                <span className="level" data-level={template.level}>
                  {template.level}
                </span>
                <span className="template-text">{template.text}</span>
                <Spread values={template.spread} />
                <span className="template-count">{template.count}×</span>
              </summary>
              <ul className="examples">
                {template.examples.map((line, n) => (
                  <li key={`${line.at}:${String(n)}`}>
                    <time dateTime={line.at}>{clock(line.at)}</time> {line.message}
                  </li>
                ))}
              </ul>
            </details>
          </li>
        ))}
      </ul>
      <p className="quiet">
        {count(logs.lines, "line")} of {count(logs.templates.length, "template")}
        {logs.partial.length > 0 && `; incomplete: ${logs.partial.join("; ")}`}
      </p>
    </>
  );
}

/** When the lines came, as a row of bars. */
function Spread({ values }: { values: readonly number[] }) {
  const most = Math.max(1, ...values);
  return (
    <svg className="spread" viewBox={`0 0 ${values.length * 3} 14`} aria-hidden="true" preserveAspectRatio="none">
      {values.map((value, n) => {
        const height = value === 0 ? 0 : Math.max(1.5, (value / most) * 14);
        return <rect key={n} x={n * 3} y={14 - height} width={2} height={height} />;
      })}
    </svg>
  );
}
