import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { api } from "../api/client.ts";
import { OPEN_STATES } from "../api/queries.ts";
import { IncidentRow } from "../parts/incident-row.tsx";
import { PageHead, Panel } from "../parts/panel.tsx";
import { Empty, Loading, Problem } from "../parts/states.tsx";
import { TimesSwitch } from "../parts/when.tsx";

const route = getRouteApi("/incidents");

/** Every incident there was, with filters that live in the address. */
export function Incidents() {
  const filter = route.useSearch();
  const navigate = route.useNavigate();
  const query = useInfiniteQuery({
    queryKey: ["incidents", "all", filter],
    queryFn: ({ pageParam }) => api.incidents({ ...filter, limit: 50, ...(pageParam === null ? {} : { cursor: pageParam }) }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
  });
  const change = (search: { state?: string; severity?: string; service?: string }) =>
    void navigate({ search: (before) => ({ ...before, ...search }), replace: true });
  const incidents = query.data?.pages.flatMap(({ items }) => items) ?? [];
  const isFiltered = Object.values(filter).some((value) => value !== undefined && value !== "");
  return (
    <>
      <PageHead title="Incidents">
        <TimesSwitch />
        <select aria-label="State" value={filter.state ?? ""} onChange={(event) => change({ state: event.target.value })}>
          <option value="">Any state</option>
          <option value={OPEN_STATES}>Open</option>
          <option value="escalated,awaiting-approval">Needs a person</option>
          <option value="resolved,closed">Over</option>
        </select>
        <select aria-label="Severity" value={filter.severity ?? ""} onChange={(event) => change({ severity: event.target.value })}>
          <option value="">Any severity</option>
          <option>critical</option>
          <option>warning</option>
          <option>info</option>
        </select>
        <input
          type="search"
          aria-label="Service"
          placeholder="Service"
          value={filter.service ?? ""}
          onChange={(event) => change({ service: event.target.value })}
        />
      </PageHead>
      <Panel title={isFiltered ? "Incidents that fit" : "All incidents"}>
        {query.isError && <Problem error={query.error} onRetry={() => void query.refetch()} />}
        {query.isPending && <Loading lines={8} />}
        {query.isSuccess && incidents.length === 0 && (
          <Empty title={isFiltered ? "No incident fits" : "There has been no incident"}>
            {isFiltered && (
              <button type="button" className="quiet-button" onClick={() => change({ state: "", severity: "", service: "" })}>
                Show all
              </button>
            )}
          </Empty>
        )}
        <ul className="incident-list">
          {incidents.map((incident) => (
            <li key={incident.id}>
              <IncidentRow incident={incident} />
            </li>
          ))}
        </ul>
        {query.hasNextPage && (
          <button type="button" className="button more" onClick={() => void query.fetchNextPage()} disabled={query.isFetchingNextPage}>
            {query.isFetchingNextPage ? "Reading …" : "Older ones"}
          </button>
        )}
      </Panel>
    </>
  );
}
