import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { runbooksQuery } from "../api/queries.ts";
import { PageHead, Panel } from "../parts/panel.tsx";
import { Empty, Shown } from "../parts/states.tsx";
import { autonomyInWords, problemsOf } from "../view/runbook.ts";

/** The library: what each does, how far it may go by itself, how it did, and what is wrong with those that are refused. */
export function Runbooks() {
  const query = useQuery(runbooksQuery);
  return (
    <>
      <PageHead title="Runbooks" />
      <Shown query={query} lines={8}>
        {({ items, refused }) => (
          <>
            {problemsOf(refused).length > 0 && (
              <Panel title="Refused">
                <ul className="lint">
                  {problemsOf(refused).map((problem) => (
                    <li key={`${problem.file}:${problem.line}:${problem.reason}`}>
                      <code>
                        {problem.file}:{problem.line}
                      </code>{" "}
                      {problem.reason}
                    </li>
                  ))}
                </ul>
              </Panel>
            )}
            {items.length === 0 ? (
              <Empty title="The library is empty">Put Markdown files with steps into the runbooks folder.</Empty>
            ) : (
              <div className="cards">
                {items.map((runbook) => (
                  <Link key={runbook.id} to="/runbooks/$id" params={{ id: runbook.id }} className="runbook-card" data-row>
                    <p className="runbook-title">{runbook.title}</p>
                    <p className="quiet">{runbook.steps.map(({ verb }) => verb).join(" → ")}</p>
                    <p className="runbook-facts">
                      <span className="approval-risk" data-risk={runbook.risk}>
                        {runbook.risk} risk
                      </span>
                      <span>{autonomyInWords(runbook.autonomy)}</span>
                      <span>
                        {runbook.record.runs === 0 ? "never run" : `${runbook.record.succeeded} of ${runbook.record.runs} helped`}
                      </span>
                      {runbook.record.isDemoted && <span className="warned">asks first: it failed too often</span>}
                      {problemsOf(runbook.problems).length > 0 && (
                        <span className="warned">{problemsOf(runbook.problems).length} lint warnings</span>
                      )}
                    </p>
                  </Link>
                ))}
              </div>
            )}
          </>
        )}
      </Shown>
    </>
  );
}
