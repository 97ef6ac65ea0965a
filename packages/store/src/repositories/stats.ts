import type { Queryable } from "@tocsin/runtime";

/** How the platform has done in a window. Times are medians in seconds; null where nothing has been measured. */
export interface Stats {
  readonly windowSeconds: number;
  readonly alerts: number;
  readonly incidents: number;
  readonly open: number;
  /** 1 - incidents / alerts: the share of alerts that woke nobody. */
  readonly noiseReduction: number | null;
  /** From an alert's start to its incident. */
  readonly timeToDetectSeconds: number | null;
  /** From the incident to the first work on it, by the platform or a person. */
  readonly timeToAcknowledgeSeconds: number | null;
  /** From the incident's start to its resolution. */
  readonly timeToResolveSeconds: number | null;
  readonly runs: number;
  /** Share of ended runs whose fix was verified. */
  readonly verifiedFixRate: number | null;
  /** Share of ended runs that were undone in part or whole. */
  readonly undoRate: number | null;
  readonly suppressed: number;
  readonly quarantined: number;
  readonly escalated: number;
}

/** @param windowSeconds how far to look back from now */
export async function readStats(on: Queryable, windowSeconds: number): Promise<Stats> {
  const { rows } = await on.query<Omit<Stats, "windowSeconds" | "noiseReduction">>(
    `WITH since AS (SELECT now() - make_interval(secs => $1) AS at),
     recent AS (SELECT * FROM incidents, since WHERE opened_at >= since.at),
     acknowledged AS (
       SELECT e.incident_id, min(e.at) AS at FROM event_log e JOIN recent r ON r.id = e.incident_id
        WHERE e.topic = 'sre-events' AND e.data->>'kind' IN ('investigating', 'acknowledged') GROUP BY e.incident_id),
     ended AS (SELECT r.* FROM runs r, since WHERE r.requested_at >= since.at AND r.state IN ('succeeded', 'failed', 'unknown'))
     SELECT
       (SELECT count(*) FROM alert_transitions t, since WHERE t.received_at >= since.at AND t.status = 'firing') AS alerts,
       (SELECT count(*) FROM recent) AS incidents,
       (SELECT count(*) FROM incidents WHERE state NOT IN ('closed', 'resolved')) AS open,
       (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY greatest(0, extract(epoch FROM opened_at - started_at))) FROM recent) AS "timeToDetectSeconds",
       (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY greatest(0, extract(epoch FROM a.at - r.opened_at)))
          FROM acknowledged a JOIN recent r ON r.id = a.incident_id) AS "timeToAcknowledgeSeconds",
       (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM resolved_at - started_at)) FROM recent WHERE resolved_at IS NOT NULL)
         AS "timeToResolveSeconds",
       (SELECT count(*) FROM ended) AS runs,
       (SELECT avg((state = 'succeeded')::int)::float8 FROM ended) AS "verifiedFixRate",
       (SELECT avg((EXISTS (SELECT 1 FROM run_steps s WHERE s.run_id = ended.id AND s.role = 'undo'))::int)::float8 FROM ended) AS "undoRate",
       (SELECT count(*) FROM alert_transitions t, since WHERE t.received_at >= since.at AND t.outcome = 'suppressed') AS suppressed,
       (SELECT count(*) FROM quarantine q, since WHERE q.received_at >= since.at) AS quarantined,
       (SELECT count(*) FROM recent WHERE state = 'escalated') AS escalated`,
    [windowSeconds],
  );
  const counted = rows[0] as Omit<Stats, "windowSeconds" | "noiseReduction">;
  return {
    windowSeconds,
    ...counted,
    noiseReduction: counted.alerts === 0 ? null : Math.max(0, 1 - counted.incidents / counted.alerts),
  };
}

/** One slice of time of a window. Times are medians in seconds. */
export interface StatsBucket {
  readonly at: string;
  readonly alerts: number;
  readonly incidents: number;
  readonly timeToDetectSeconds: number | null;
  readonly timeToAcknowledgeSeconds: number | null;
  readonly timeToResolveSeconds: number | null;
  readonly runs: number;
  readonly succeeded: number;
}
/** How one service has done in a window. */
export interface ServiceStats {
  readonly service: string;
  readonly incidents: number;
  readonly open: number;
  readonly timeToResolveSeconds: number | null;
  readonly runs: number;
  readonly succeeded: number;
}
export interface StatsHistory {
  readonly bucketSeconds: number;
  readonly buckets: readonly StatsBucket[];
  readonly services: readonly ServiceStats[];
  /** What people said of the causes that were found. */
  readonly feedback: { readonly right: number; readonly wrong: number };
}

/** @param bucketSeconds the width of a slice; slices begin at multiples of it since 1970, and empty ones are there too */
export async function readStatsHistory(on: Queryable, windowSeconds: number, bucketSeconds: number): Promise<StatsHistory> {
  const median = (of: string) => `percentile_cont(0.5) WITHIN GROUP (ORDER BY greatest(0, extract(epoch FROM ${of})))`;
  const slot = (time: string) => `(floor(extract(epoch FROM ${time}) / $2) * $2)`;
  const { rows: buckets } = await on.query<StatsBucket>(
    `WITH since AS (SELECT now() - make_interval(secs => $1) AS at),
     slots AS (SELECT generate_series(${slot("(SELECT at FROM since)")}::bigint, extract(epoch FROM now())::bigint, $2::bigint) AS slot),
     told AS (SELECT e.incident_id, min(e.at) AS at FROM event_log e, since
               WHERE e.at >= since.at AND e.topic = 'sre-events' AND e.data->>'kind' IN ('investigating', 'acknowledged') GROUP BY e.incident_id),
     by_incident AS (SELECT ${slot("i.opened_at")} AS slot, count(*) AS incidents, ${median("i.opened_at - i.started_at")} AS ttd,
                            ${median("told.at - i.opened_at")} FILTER (WHERE told.at IS NOT NULL) AS tta,
                            ${median("i.resolved_at - i.started_at")} FILTER (WHERE i.resolved_at IS NOT NULL) AS ttr
                       FROM incidents i LEFT JOIN told ON told.incident_id = i.id, since WHERE i.opened_at >= since.at GROUP BY 1),
     by_alert AS (SELECT ${slot("t.received_at")} AS slot, count(*) AS alerts FROM alert_transitions t, since
                   WHERE t.received_at >= since.at AND t.status = 'firing' GROUP BY 1),
     by_run AS (SELECT ${slot("r.requested_at")} AS slot, count(*) AS runs, count(*) FILTER (WHERE r.state = 'succeeded') AS succeeded
                  FROM runs r, since WHERE r.requested_at >= since.at AND r.state IN ('succeeded', 'failed', 'unknown') GROUP BY 1)
     SELECT to_timestamp(s.slot) AS at, coalesce(a.alerts, 0) AS alerts, coalesce(i.incidents, 0) AS incidents, i.ttd AS "timeToDetectSeconds",
            i.tta AS "timeToAcknowledgeSeconds", i.ttr AS "timeToResolveSeconds", coalesce(r.runs, 0) AS runs, coalesce(r.succeeded, 0) AS succeeded
       FROM slots s LEFT JOIN by_incident i USING (slot) LEFT JOIN by_alert a USING (slot) LEFT JOIN by_run r USING (slot) ORDER BY s.slot`,
    [windowSeconds, bucketSeconds],
  );
  const { rows: services } = await on.query<ServiceStats>(
    `WITH since AS (SELECT now() - make_interval(secs => $1) AS at)
     SELECT i.service, count(*) AS incidents, count(*) FILTER (WHERE i.state NOT IN ('closed', 'resolved')) AS open,
            ${median("i.resolved_at - i.started_at")} FILTER (WHERE i.resolved_at IS NOT NULL) AS "timeToResolveSeconds",
            coalesce(sum(r.runs), 0)::int AS runs, coalesce(sum(r.succeeded), 0)::int AS succeeded
       FROM since, incidents i LEFT JOIN LATERAL (
         SELECT count(*) AS runs, count(*) FILTER (WHERE state = 'succeeded') AS succeeded FROM runs
          WHERE incident_id = i.id AND state IN ('succeeded', 'failed', 'unknown')) r ON true
      WHERE i.opened_at >= since.at AND i.service IS NOT NULL GROUP BY i.service ORDER BY incidents DESC, i.service LIMIT 50`,
    [windowSeconds],
  );
  const { rows: said } = await on.query<{ right: number; wrong: number }>(
    `SELECT count(*) FILTER (WHERE is_right) AS "right", count(*) FILTER (WHERE NOT is_right) AS "wrong"
       FROM feedback WHERE said_at >= now() - make_interval(secs => $1)`,
    [windowSeconds],
  );
  return { bucketSeconds, buckets, services, feedback: said[0] ?? { right: 0, wrong: 0 } };
}
