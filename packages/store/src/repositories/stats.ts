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
