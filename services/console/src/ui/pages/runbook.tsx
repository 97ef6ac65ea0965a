import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { type AutonomyItem, api } from "../api/client.ts";
import { autonomyQuery, incidentsQuery, runbookQuery, runbooksQuery } from "../api/queries.ts";
import { whoAmI } from "../live/preferences.ts";
import { CopyButton } from "../parts/copy-button.tsx";
import { Decision } from "../parts/decision.tsx";
import { DryRun } from "../parts/dry-run.tsx";
import { Markdown } from "../parts/lazy.tsx";
import { PageHead, Panel } from "../parts/panel.tsx";
import { Shown } from "../parts/states.tsx";
import { When } from "../parts/when.tsx";
import { shortDigest } from "../view/figures.ts";
import { autonomyInWords, problemsOf, proseOf } from "../view/runbook.ts";

const route = getRouteApi("/runbooks/$id");

/** One runbook as people read it, with what it would do for an incident. */
export function RunbookPage() {
  const { id } = route.useParams();
  const query = useQuery(runbookQuery(id));
  const library = useQuery(runbooksQuery);
  const row = library.data?.items.find((each) => each.id === id);
  const { incident } = route.useSearch();
  return (
    <Shown query={query} lines={8}>
      {(runbook) => (
        <>
          <PageHead title={runbook.title}>
            <CopyButton text={runbook.text} label="Copy as Markdown" />
          </PageHead>
          <div className="incident-columns" data-side-first={incident !== undefined}>
            <div>
              <Panel title={runbook.path}>
                <Markdown text={proseOf(runbook.text, runbook.title)} />
              </Panel>
            </div>
            <div>
              <Panel title="Facts">
                <dl className="pairs">
                  <dt>Risk</dt>
                  <dd>{runbook.risk}</dd>
                  <dt>At most</dt>
                  <dd>{autonomyInWords(runbook.autonomy)}</dd>
                  <dt>Tags</dt>
                  <dd>{runbook.tags.join(", ") || "–"}</dd>
                  <dt>Digest</dt>
                  <dd>
                    <code title={runbook.digest}>{shortDigest(runbook.digest)}</code>
                  </dd>
                  <dt>Lint</dt>
                  <dd>
                    {problemsOf(row?.problems ?? []).length === 0
                      ? "clean"
                      : problemsOf(row?.problems ?? [])
                          .map(({ line, reason }) => `line ${line}: ${reason}`)
                          .join("; ")}
                  </dd>
                </dl>
              </Panel>
              <AutonomyPanel id={id} record={row?.record} />
              <DryRunPanel id={id} />
            </div>
          </div>
        </>
      )}
    </Shown>
  );
}

const CHANGED = {
  proposed: "promotion proposed",
  promoted: "promoted to act by itself",
  declined: "promotion declined",
  demoted: "demoted to ask first",
} as const;

/** How it did and what that changed: demoted by itself, promoted only by a person. */
function AutonomyPanel({ id, record }: { id: string; record: { text: string; isDemoted: boolean } | undefined }) {
  const query = useQuery(autonomyQuery(id));
  const client = useQueryClient();
  const decide = (environment: string, decision: "promoted" | "declined") => (reason: string) =>
    api.decideAutonomy(id, environment, decision, reason, whoAmI()).then(() => client.invalidateQueries({ queryKey: ["autonomy", id] }));
  return (
    <Panel title="Autonomy">
      <p>
        Record: {record?.text ?? "–"}
        {record?.isDemoted === true && <span className="warned">, so a person is asked first</span>}
      </p>
      <Shown query={query} lines={2}>
        {({ items }) => {
          const latest = new Map<string, AutonomyItem>();
          for (const item of items) if (!latest.has(item.environment)) latest.set(item.environment, item);
          const open = [...latest.values()].filter(({ kind }) => kind === "proposed" || kind === "demoted");
          return (
            <>
              {open.map(({ environment, kind }) => (
                <p key={environment} className="page-actions">
                  <Decision
                    label={`Let it act by itself in ${environment}`}
                    title={`Let it act by itself in ${environment}?`}
                    text="It still acts only while its record is good enough, and within every limit."
                    confirm="Promote"
                    reason="required"
                    act={decide(environment, "promoted")}
                  />
                  {kind === "proposed" && (
                    <Decision
                      label="Decline"
                      title={`Keep asking in ${environment}?`}
                      confirm="Decline"
                      reason="optional"
                      act={decide(environment, "declined")}
                    />
                  )}
                </p>
              ))}
              {items.length === 0 ? (
                <p className="quiet">Nothing was changed by its record.</p>
              ) : (
                <ul className="steps">
                  {items.map((item) => (
                    <li key={item.id}>
                      {CHANGED[item.kind]} in {item.environment} by {item.by} <When at={item.at} />
                      {item.reason !== "" && <p className="quiet">{item.reason}</p>}
                    </li>
                  ))}
                </ul>
              )}
            </>
          );
        }}
      </Shown>
    </Panel>
  );
}

function DryRunPanel({ id }: { id: string }) {
  const { incident = "" } = route.useSearch();
  const navigate = route.useNavigate();
  const incidents = useQuery(incidentsQuery({ limit: 50 }));
  return (
    <Panel title="Dry run">
      <label className="field">
        For which incident
        <select
          value={incident}
          onChange={(event) => void navigate({ search: { incident: event.target.value }, replace: true, resetScroll: false })}
        >
          <option value="">Choose</option>
          {(incidents.data?.items ?? []).map((each) => (
            <option key={each.id} value={each.id}>
              {each.title} ({each.state})
            </option>
          ))}
        </select>
      </label>
      {incident === "" ? (
        <p className="quiet dry-hint">Shows exactly what it would do and what every rule says of it, and does nothing.</p>
      ) : (
        <DryRun key={incident} runbook={id} incidentId={incident} />
      )}
    </Panel>
  );
}
