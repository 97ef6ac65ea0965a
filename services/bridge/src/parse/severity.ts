import type { Severity } from "@tocsin/contracts";

// What senders call it. `error` and `high` wake somebody up, as in PagerDuty's urgency by severity; `none` is what
// kube-prometheus gives to alerts that only say that alerting works.
const WORDS: Readonly<Record<Severity, readonly string[]>> = {
  critical: "critical crit page fatal emergency emerg panic disaster blocker error err high major alert p0 p1 sev0 sev1 sev2 s0 s1".split(
    " ",
  ),
  warning: "warning warn medium moderate average minor ticket degraded p2 p3 sev3 s2 s3".split(" "),
  info: "info information informational notice none low ok okay normal debug trace p4 p5 sev4 sev5 s4 s5".split(" "),
};
const SEVERITY_OF: ReadonlyMap<string, Severity> = new Map(
  (Object.entries(WORDS) as [Severity, readonly string[]][]).flatMap(([severity, words]) => words.map((word) => [word, severity] as const)),
);

/** Pure: our severity for a sender's word, whatever its case and dashes (`SEV-1`); undefined for an unknown one. */
export function severityOf(word: unknown): Severity | undefined {
  if (typeof word !== "string" && typeof word !== "number") return undefined;
  return SEVERITY_OF.get(String(word).slice(0, 64).trim().toLowerCase().replaceAll(/[-_ ]/g, ""));
}
