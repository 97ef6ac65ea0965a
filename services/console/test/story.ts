import { type Cause, type Diagnosis, type Evidence, eventOf, IncidentMoved, type OutgoingEvent } from "@tocsin/contracts";
import { isoTime, type Queryable, type Sql } from "@tocsin/runtime";
import { appendEvents, insertApproval, insertRequestedRun } from "@tocsin/store";
import { opened, seedIncident, thought } from "./seed.ts";

export const STORY = "inc_story";
export const HOSTILE = `<img src=x onerror="document.title='owned'"> & <script>document.title='owned'</script>`;
export const DIGEST = `sha256:${"a".repeat(64)}`;
export const EFFECT =
  "Restart a service that leaks memory (acts on payments)\n1. restart payments; nothing to undo: the same revision runs after it\nNow:\npayments: 1 of 1 replicas healthy, revision 2.0.0, no revision before it\nrestart, after: does not hold yet: error_ratio of payments <= before + 0.02: 0.6 against 0.02\nPolicy:\nred-button: allow: the red button is not pressed\ncool-down: allow: restart did not run on payments lately\nautonomy: needs-approval: autonomy L2 acts after an approval: production";

/** One incident with a cause, its evidence, thoughts, a run and a question to a person. */
export async function seedStory(sql: Sql): Promise<void> {
  await seedIncident(sql, { id: STORY, service: "payments", state: "awaiting-approval" });
  await seedIncident(sql, { id: "inc_over", service: "checkout", state: "closed", severity: "warning", minute: 3 });
  const evidence: Evidence = {
    id: "ev_1",
    kind: "metric",
    service: "payments",
    text: `memory rose ${HOSTILE}`,
    query: "process_resident_memory_bytes",
    link: "javascript:alert(1)",
    chart: {
      unit: "B",
      samples: Array.from({ length: 50 }, (_, n) => [1_767_225_600 + n * 5, 1e8 + (n > 25 ? n * 4e6 : 0)]),
      onsetAt: 1_767_225_725,
      baseline: 1e8,
      threshold: 1.5e8,
    },
  };
  const cause: Cause = {
    service: "payments",
    kind: "resource",
    score: 3,
    confidence: 0.82,
    text: "payments runs out of memory",
    evidence: ["ev_1"],
  };
  const diagnosis: Diagnosis = { verdict: "cause", causes: [cause], evidence: [evidence], missing: [], at: isoTime(Date.now()) };
  await sql.query("UPDATE incidents SET verdict = 'cause', diagnosis = $2, analysis = $3 WHERE id = $1", [
    STORY,
    JSON.stringify(diagnosis),
    `# payments\n\nIt leaked. ${HOSTILE}\n\n[bad](javascript:alert(1)) [good](https://example.org)\n\n| A | B |\n|---|---|\n| 1 | 2 |`,
  ]);
  await sql.transaction((tx) => appendEvents(tx, [opened(STORY), opened("inc_over"), ...[1, 2, 3].map((n) => thought(STORY, n))]));
  await sql.transaction(async (tx) => {
    await insertRequestedRun(tx, {
      id: "run_1",
      incidentId: STORY,
      runbook: "memory-leak-restart",
      title: "Restart a service that leaks memory",
      digest: DIGEST,
      parameters: { service: "payments" },
      requestedBy: "tocsin",
      text: "the runbook fits",
    });
  });
  await sql.query("UPDATE runs SET state = 'awaiting-approval' WHERE id = 'run_1'");
  await askAgain(sql, "apr_1", DIGEST);
}

/** Puts a question to a person. */
export const askAgain = (sql: Queryable, id: string, digest: string, effect = EFFECT): Promise<boolean> =>
  insertApproval(
    sql,
    {
      id,
      runId: "run_1",
      incidentId: STORY,
      digest,
      effect,
      reason: "production needs a yes",
      risk: "medium",
      proposedBy: "tocsin",
      emergencyOnly: false,
      expiresAt: isoTime(Date.now() + 900_000),
    },
    Date.now(),
  );

let moves = 0;
/** A fact with a text that a test can look for. */
export const fact = (text: string): OutgoingEvent => {
  const at = isoTime(Date.now());
  const id = `${STORY}:fact:${String(++moves)}`;
  return eventOf(
    IncidentMoved,
    { id, source: "/test", time: at },
    { incidentId: STORY, at, kind: "note", text, state: "awaiting-approval" },
  );
};
export const tell = (sql: Sql, ...events: OutgoingEvent[]): Promise<void> => sql.transaction((tx) => appendEvents(tx, events));
