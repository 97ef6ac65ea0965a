import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { DrillView, IncidentSummary } from "@tocsin/contracts";
import { useCallback, useState } from "react";
import { type ApprovalItem, api } from "../api/client.ts";
import { drillsQuery, incidentsQuery, OPEN_STATES, pendingQuery, redButtonQuery, servicesQuery, statsQuery } from "../api/queries.ts";
import { whoAmI } from "../live/preferences.ts";
import { useLiveEvents } from "../live/use-live.ts";
import { ApprovalCard } from "../parts/approval-card.tsx";
import { Decision } from "../parts/decision.tsx";
import { IncidentRow } from "../parts/incident-row.tsx";
import { Panel } from "../parts/panel.tsx";
import { Bell, Empty, Shown } from "../parts/states.tsx";
import { TimesSwitch, When } from "../parts/when.tsx";
import type { LiveEvent } from "../view/events.ts";
import { percent } from "../view/figures.ts";
import { groupsOf, headlineOf } from "../view/now.ts";
import { span } from "../view/time.ts";

const SHOWN_EVENTS = 12;

/** What is broken, what is being done, what needs me. */
export function Now() {
  const open = useQuery(incidentsQuery({ state: OPEN_STATES, limit: 100 }));
  const pending = useQuery(pendingQuery);
  return (
    <div className="now">
      <Shown query={open} lines={6}>
        {({ items }) => <Present open={items} approvals={pending.data?.items ?? []} />}
      </Shown>
    </div>
  );
}

function Present({ open, approvals }: { open: readonly IncidentSummary[]; approvals: readonly ApprovalItem[] }) {
  const groups = groupsOf(open);
  const headline = headlineOf(groups, approvals.length);
  const services = useQuery(servicesQuery);
  const asked = new Set(approvals.map(({ incidentId }) => incidentId));
  // What is asked is shown as the question itself; the incident is a line of it.
  const needsYou = groups.needsYou.filter(({ id }) => !asked.has(id));
  const healthy = services.data?.items.filter(({ health }) => health === "ok").length;
  return (
    <>
      <header className="now-head" data-tone={headline.tone}>
        <Bell />
        <div>
          <h1>{headline.title}</h1>
          <p className="quiet">
            {headline.tone === "calm"
              ? healthy === undefined
                ? "No incident is open."
                : `No incident is open. ${healthy} of ${services.data?.items.length ?? 0} services are well.`
              : headline.tone === "busy"
                ? "Tocsin is at work; nothing is asked of you."
                : "The rest goes on without you."}
          </p>
        </div>
        <RedButton />
      </header>
      <div className="now-columns">
        <div className="now-main">
          {(approvals.length > 0 || needsYou.length > 0) && (
            <Panel title="Needs you" className="needs-you">
              {approvals.map((approval) => (
                <ApprovalCard key={approval.id} approval={approval} incident={open.find(({ id }) => id === approval.incidentId)} />
              ))}
              <IncidentList incidents={needsYou} />
            </Panel>
          )}
          {groups.beingDone.length > 0 && (
            <Panel title="Being worked on">
              <IncidentList incidents={groups.beingDone} />
            </Panel>
          )}
          <Recent isQuiet={open.length === 0} />
        </div>
        <aside className="now-side">
          <Week />
          <Happening />
          <LastDrill />
        </aside>
      </div>
    </>
  );
}

const IncidentList = ({ incidents }: { incidents: readonly IncidentSummary[] }) => (
  <ul className="incident-list">
    {incidents.map((incident) => (
      <li key={incident.id}>
        <IncidentRow incident={incident} />
      </li>
    ))}
  </ul>
);

/** @param isQuiet nothing is open either */
function Recent({ isQuiet }: { isQuiet: boolean }) {
  const recent = useQuery(incidentsQuery({ state: "resolved,closed", limit: 6 }));
  return (
    <Panel title="Lately over" aside={<Link to="/incidents">All incidents</Link>}>
      <Shown query={recent}>
        {({ items }) =>
          items.length === 0 && !isQuiet ? (
            <p className="quiet">Nothing is over yet.</p>
          ) : items.length === 0 ? (
            <Empty title="Nothing has happened yet">
              <Link to="/drills">Start a drill</Link> to see what happens when something breaks.
            </Empty>
          ) : (
            <IncidentList incidents={items} />
          )
        }
      </Shown>
    </Panel>
  );
}

function RedButton() {
  const button = useQuery(redButtonQuery);
  const client = useQueryClient();
  if (button.data === undefined || button.data.isOn) return null;
  return (
    <Decision
      label="Stop all automation"
      title="Stop all automation?"
      text="No run starts, and none that is under way takes another step, until somebody lets it run again. Watching and diagnosing go on."
      confirm="Stop it"
      reason="required"
      tone="bad"
      act={async (reason) => {
        await api.pressRedButton(true, reason, whoAmI());
        await client.invalidateQueries({ queryKey: ["red-button"] });
      }}
    />
  );
}

function Week() {
  const stats = useQuery(statsQuery(24 * 7));
  return (
    <Panel title="Last seven days" aside={<Link to="/insights">Insights</Link>}>
      <Shown query={stats} lines={3}>
        {(value) => (
          <dl className="figures">
            <Figure name="Fixes that held" value={percent(value.verifiedFixRate)} />
            <Figure name="To resolve" value={value.timeToResolveSeconds === null ? "–" : span(value.timeToResolveSeconds)} />
            <Figure name="Less noise" value={percent(value.noiseReduction)} />
            <Figure name="Incidents" value={String(value.incidents)} />
          </dl>
        )}
      </Shown>
    </Panel>
  );
}
const Figure = ({ name, value }: { name: string; value: string }) => (
  <div>
    <dt>{name}</dt>
    <dd>{value}</dd>
  </div>
);

/** The latest events since the page was opened, the newest first. */
function Happening() {
  const [events, setEvents] = useState<readonly LiveEvent[]>([]);
  const add = useCallback((event: LiveEvent) => setEvents((before) => [event, ...before].slice(0, SHOWN_EVENTS)), []);
  useLiveEvents(add);
  return (
    <Panel title="Happening" aside={<TimesSwitch />}>
      {events.length === 0 ? (
        <p className="quiet">Thoughts and actions appear here as they happen.</p>
      ) : (
        <ol className="happening">
          {events.map((item) => (
            <li key={item.id} data-event={item.event}>
              <Link to="/incidents/$id" params={{ id: item.incidentId }}>
                {item.text}
              </Link>
              <span className="quiet">
                <When at={item.at} />
              </span>
            </li>
          ))}
        </ol>
      )}
    </Panel>
  );
}

function LastDrill() {
  const drills = useQuery(drillsQuery);
  const last: DrillView | undefined = drills.data?.items[0];
  if (drills.data === undefined) return null;
  return (
    <Panel title="Drills" aside={<Link to="/drills">Start a drill</Link>}>
      {last === undefined ? (
        <p className="quiet">A drill breaks something on purpose and scores what Tocsin makes of it.</p>
      ) : (
        <p>
          {last.fault.replaceAll("-", " ")} on {last.target}: <strong>{last.state}</strong>, <When at={last.at.injected} />
        </p>
      )}
    </Panel>
  );
}
