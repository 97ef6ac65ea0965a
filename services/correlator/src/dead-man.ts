// The dead-man switch: an alert that fires always and is heard no longer means that alerts are lost on their way, and nobody else would
// say so. It becomes an alert of our own, with an incident like any other, and recovers when the watchdog is heard again.
import type { Alert } from "@tocsin/contracts";
import { type Clock, digestOf, isoTime, type Sql } from "@tocsin/runtime";
import { forgetHeartbeat, type Heartbeat, listHeartbeats } from "@tocsin/store";
import { correlateBatch } from "./correlate-batch.ts";
import type { TurnOptions } from "./store-turn.ts";

const SILENT_RULE = "AlertingSilent";
/** In a scope of its own: that a monitoring system is silent explains no alert of the fleet, and none explains it. */
const PLATFORM_SCOPE = "tocsin";

export interface DeadManOptions extends TurnOptions {
  readonly sql: Sql;
  readonly clock: Clock;
  /** How long a watchdog may be silent. */
  readonly silentMs: number;
  /** When this process began to listen: what was missed before proves nothing. */
  readonly listeningSince: number;
}

/** Pure: the alerts that follow from when each watchdog was last heard. Each carries the episode in its key, so that asking again is a duplicate. */
function silenceAlerts(heartbeats: readonly Heartbeat[], nowMs: number, silentMs: number, listeningSince: number): Alert[] {
  return heartbeats.map((heartbeat) => {
    const seenAt = Date.parse(heartbeat.seenAt);
    const isSilent = nowMs - Math.max(seenAt, listeningSince) >= silentMs;
    return isSilent ? firing(heartbeat, nowMs, silentMs) : heard(heartbeat, nowMs);
  });
}

const nameOf = ({ labels, source }: Heartbeat): string =>
  labels["prometheus"] ?? labels["cluster"] ?? labels["prometheus_replica"] ?? labels["instance"] ?? source;

function base(heartbeat: Heartbeat, nowMs: number) {
  const { name, scope, source } = heartbeat;
  const service = `monitoring:${nameOf(heartbeat)}`;
  const labels = { alertname: SILENT_RULE, service, severity: "critical", watchdog: name, watchdog_scope: scope, watchdog_source: source };
  return {
    fingerprint: digestOf(`${SILENT_RULE} ${scope} ${heartbeat.fingerprint}`).slice(7, 23),
    source: "tocsin",
    name: SILENT_RULE,
    severity: "critical",
    service,
    scope: PLATFORM_SCOPE,
    labels,
    receivedAt: isoTime(nowMs),
  } as const;
}

function firing(heartbeat: Heartbeat, nowMs: number, silentMs: number): Alert {
  const { seenAt, name, scope } = heartbeat;
  const common = base(heartbeat, nowMs);
  return {
    ...common,
    status: "firing",
    dedupeKey: digestOf(`${common.fingerprint} silent since ${seenAt}`),
    startsAt: isoTime(Date.parse(seenAt) + 1),
    annotations: {
      summary: `${name} of ${nameOf(heartbeat)} is not heard any more`,
      description: `${name} fires always and was last heard at ${seenAt}; for ${Math.round(silentMs / 1_000)} s alerts of scope ${scope} may have been lost on their way.`,
    },
  };
}

function heard(heartbeat: Heartbeat, nowMs: number): Alert {
  const { seenAt, name } = heartbeat;
  const common = base(heartbeat, nowMs);
  return {
    ...common,
    status: "resolved",
    dedupeKey: digestOf(`${common.fingerprint} heard at ${seenAt}`),
    startsAt: seenAt,
    endsAt: seenAt,
    annotations: { summary: `${name} of ${nameOf(heartbeat)} is heard again` },
  };
}

async function silentNow(sql: Sql): Promise<ReadonlySet<string>> {
  const { rows } = await sql.query<{ fingerprint: string }>(
    "SELECT fingerprint FROM alerts WHERE scope = $1 AND status = 'firing' AND name = $2",
    [PLATFORM_SCOPE, SILENT_RULE],
  );
  return new Set(rows.map(({ fingerprint }) => fingerprint));
}

/** @returns how many watchdogs are silent */
export async function watchHeartbeats(options: DeadManOptions): Promise<number> {
  const { sql, clock, silentMs, listeningSince } = options;
  const heartbeats = await listHeartbeats(sql);
  if (heartbeats.length === 0) return 0;
  const alerts = silenceAlerts(heartbeats, clock.now(), silentMs, listeningSince);
  const known = await silentNow(sql);
  // Only what changes: a resolution of what never fired would count as a suppressed alert.
  const news = alerts.filter(({ status, fingerprint }) => (status === "firing") !== known.has(fingerprint));
  if (news.length > 0) await correlateBatch(news, options);
  return alerts.filter(({ status }) => status === "firing").length;
}

/** Forgets a watchdog that is gone for good; the alert about its silence ends. @returns whether it was known */
export async function forgetWatchdog(options: TurnOptions, fingerprint: string): Promise<boolean> {
  const { sql, clock } = options;
  const forgotten = (await listHeartbeats(sql)).filter((each) => each.fingerprint === fingerprint);
  const ends = forgotten.map((each) => heard({ ...each, seenAt: isoTime(clock.now()) }, clock.now()));
  const known = await silentNow(sql);
  const news = ends.filter((alert) => known.has(alert.fingerprint));
  if (news.length > 0) await correlateBatch(news, options);
  for (const { scope } of forgotten) await forgetHeartbeat(sql, scope, fingerprint);
  return forgotten.length > 0;
}
