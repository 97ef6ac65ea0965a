import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { api } from "../api/client.ts";
import { Output } from "../parts/output.tsx";
import { PageHead, Panel } from "../parts/panel.tsx";
import { Empty, Loading, Problem } from "../parts/states.tsx";
import { TimesSwitch, When } from "../parts/when.tsx";
import { shortDigest } from "../view/figures.ts";

const route = getRouteApi("/audit");

/** Who decided and did what; each entry carries the hash of the one before it. */
export function Audit() {
  const { subject } = route.useSearch();
  const navigate = route.useNavigate();
  const query = useInfiniteQuery({
    queryKey: ["audit", subject],
    queryFn: ({ pageParam }) => api.audit({ subject, ...(pageParam === null ? {} : { cursor: pageParam }) }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
  });
  const rows = query.data?.pages.flatMap(({ items }) => items) ?? [];
  return (
    <>
      <PageHead title="Audit">
        <TimesSwitch />
        <input
          type="search"
          aria-label="Subject"
          placeholder="Incident, run or switch"
          defaultValue={subject ?? ""}
          onChange={(event) => void navigate({ search: { subject: event.target.value.trim() }, replace: true })}
        />
      </PageHead>
      <Chain />
      <Panel title="Journal">
        {query.isError && <Problem error={query.error} onRetry={() => void query.refetch()} />}
        {query.isPending && <Loading lines={8} />}
        {query.isSuccess && rows.length === 0 && (
          <Empty title={subject === undefined ? "Nothing has been decided yet" : "Nothing is written about that"} />
        )}
        {rows.length > 0 && (
          <div className="table-frame">
            <table>
              <thead>
                <tr>
                  <th scope="col" className="figure">
                    #
                  </th>
                  <th scope="col">When</th>
                  <th scope="col">Who</th>
                  <th scope="col">What</th>
                  <th scope="col">On</th>
                  <th scope="col">Details</th>
                  <th scope="col">Hash</th>
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => (
                  <tr key={row.seq}>
                    <td className="figure">{row.seq}</td>
                    <td className="nowrap">
                      <When at={row.at} />
                    </td>
                    <td>{row.actor}</td>
                    <td>
                      <code>{row.action}</code>
                    </td>
                    <td>
                      {row.subject.startsWith("inc_") ? (
                        <Link to="/incidents/$id" params={{ id: row.subject }} title={row.subject}>
                          incident
                        </Link>
                      ) : (
                        <code title={row.subject}>{row.subject.length > 24 ? `${row.subject.slice(0, 20)}…` : row.subject}</code>
                      )}
                    </td>
                    <td>
                      <details>
                        <summary>{summaryOf(row.body)}</summary>
                        <Output>{JSON.stringify(row.body, null, 2)}</Output>
                      </details>
                    </td>
                    <td>
                      <code title={row.hash}>{shortDigest(row.hash)}</code>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {query.hasNextPage && (
          <button type="button" className="button more" onClick={() => void query.fetchNextPage()} disabled={query.isFetchingNextPage}>
            Older ones
          </button>
        )}
      </Panel>
    </>
  );
}

/** The first thing in it that reads as words. */
function summaryOf(body: Readonly<Record<string, unknown>>): string {
  const [name, value] = Object.entries(body).find(([, each]) => typeof each === "string" && each !== "") ?? [];
  return name === undefined ? "details" : `${name}: ${String(value).slice(0, 60)}`;
}

function Chain() {
  const verdict = useQuery({ queryKey: ["audit", "verify"], queryFn: api.verifyAudit, staleTime: 60_000 });
  if (verdict.data === undefined)
    return (
      <p className="quiet chain" role="status">
        {verdict.isError ? `The chain could not be checked: ${verdict.error.message}` : "Checking the chain …"}
      </p>
    );
  const { kind, head, text } = verdict.data;
  return (
    <p className="chain" role="status">
      {kind === "intact" ? (
        <>
          <span className="right">✓ The chain is intact</span>{" "}
          <span className="quiet">
            through entry {head?.seq ?? 0}
            {head !== undefined && head.seq > 0 && (
              <>
                , head <code title={head.hash}>{shortDigest(head.hash)}</code>
              </>
            )}
          </span>
        </>
      ) : (
        <span className="wrong">✗ The chain is broken: {text}</span>
      )}
    </p>
  );
}
