import type { Severity } from "@tocsin/contracts";

const RANK: Readonly<Record<Severity, number>> = { critical: 2, warning: 1, info: 0 };

/** The worst of the severities; `info` of none. */
export const worstSeverity = (severities: Iterable<Severity>): Severity => {
  let worst: Severity = "info";
  for (const severity of severities) if (RANK[severity] > RANK[worst]) worst = severity;
  return worst;
};
