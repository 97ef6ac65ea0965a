import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { IncidentView } from "@tocsin/contracts";
import {
  checkInWords,
  DEFAULT_POLICY,
  deedInWords,
  type LoadedRunbooks,
  limitsOf,
  loadRunbooks,
  planRun,
  type Runbook,
  recordOf,
} from "@tocsin/runbooks";
import { type Clock, isoTime, messageOf, type Queryable } from "@tocsin/runtime";
import { runsStartedSince, viewIncident } from "@tocsin/store";
import type { TargetPort } from "@tocsin/targets";
import type { FastifyPluginAsync } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import * as z from "zod";
import { incidentUnknown, runbookUnknown } from "../errors.ts";
import { DryRunView, listOf, RunbookRow } from "../views.ts";

/** Reads the library anew, so that a file edited by hand is shown as it is now; a folder that is not there is an empty library. */
async function readLibrary(folder: string): Promise<LoadedRunbooks> {
  return loadRunbooks({
    list: () => readdir(folder, { recursive: true }).catch(() => []),
    read: (path) => readFile(join(folder, path), "utf8"),
  });
}

/** The runbooks that there are, what is wrong with those that were refused, how they did, and what one would do. */
export const runbookRoutes =
  ({ folder, sql, targets, clock }: { folder: string; sql: Queryable; targets: TargetPort; clock: Clock }): FastifyPluginAsync =>
  async (fastify) => {
    const app = fastify.withTypeProvider<ZodTypeProvider>();
    const limits = limitsOf(DEFAULT_POLICY, "");
    const recordsOf = async (runbooks: readonly Runbook[]) => {
      const now = clock.now();
      const runs = (await runsStartedSince(sql, isoTime(now - limits.recordDays * 86_400_000))).map(
        ({ startedAt, finishedAt, ...run }) => ({
          ...run,
          startedAt: Date.parse(startedAt),
          ...(finishedAt === undefined ? {} : { finishedAt: Date.parse(finishedAt) }),
        }),
      );
      return new Map(runbooks.map(({ id }) => [id, recordOf(id, runs, now, limits)]));
    };
    const find = async (id: string): Promise<Runbook> => {
      const { runbooks } = await readLibrary(folder);
      const runbook = runbooks.find((each) => each.id === id);
      if (runbook === undefined)
        throw runbookUnknown(
          id,
          runbooks.map((each) => each.id),
        );
      return runbook;
    };

    app.get(
      "/runbooks",
      {
        schema: {
          summary: "The runbook library, its lint state and its record",
          tags: ["runbooks"],
          response: { 200: listOf(RunbookRow).extend({ refused: z.array(z.unknown()).readonly() }) },
        },
      },
      async () => {
        const { runbooks, problems } = await readLibrary(folder);
        const records = await recordsOf(runbooks);
        const items = runbooks.map(({ id, title, path, digest, risk, autonomy, tags, matches, steps }) => ({
          id,
          title,
          path,
          digest,
          risk,
          autonomy,
          tags,
          matches,
          steps: steps.map((step) => ({ id: step.id, verb: step.verb })),
          problems: problems.filter((problem) => problem.file === path),
          record: records.get(id) as NonNullable<ReturnType<typeof records.get>>,
        }));
        return { items, next: null, refused: problems.filter((problem) => problem.level === "error") };
      },
    );

    const Id = z.object({ id: z.string().max(200) });
    app.get(
      "/runbooks/:id",
      { schema: { summary: "One runbook with its text", tags: ["runbooks"], params: Id, response: { 200: RunbookText } } },
      async ({ params }) => {
        const runbook = await find(params.id);
        const { id, title, path, digest, risk, autonomy, tags } = runbook;
        return { id, title, path, digest, risk, autonomy, tags, text: await readFile(join(folder, path), "utf8") };
      },
    );

    app.get(
      "/runbooks/:id/dry-run",
      {
        schema: {
          summary: "What it would do for an incident, without doing anything",
          tags: ["runbooks"],
          params: Id,
          querystring: z.object({ incidentId: z.string().max(200) }),
          response: { 200: DryRunView },
        },
      },
      async ({ params, query }): Promise<DryRunView> => {
        const runbook = await find(params.id);
        const incident = await viewIncident(sql, query.incidentId);
        if (incident === undefined) throw incidentUnknown(query.incidentId);
        return dryRunOf(runbook, incident, targets);
      },
    );
  };

const RunbookText = RunbookRow.pick({ id: true, title: true, path: true, digest: true, risk: true, autonomy: true, tags: true }).extend({
  text: z.string(),
});

/** Plans the runbook as the agent would, and asks each target how it stands. Reads only. */
async function dryRunOf(runbook: Runbook, incident: IncidentView, targets: TargetPort): Promise<DryRunView> {
  const [cause] = incident.verdict === "cause" ? incident.causes : [];
  const plan = planRun(runbook, { members: incident.members, ...(cause === undefined ? {} : { cause, evidence: cause.evidence }) });
  if (plan.kind === "refused") return { kind: "refused", reason: plan.reason };
  const { digest, effect, risk, autonomy, reversibility, parameters } = plan;
  return {
    kind: "plan",
    digest,
    effect,
    risk,
    autonomy,
    reversibility,
    parameters,
    targets: await Promise.all(plan.targets.map(async (id) => ({ id, text: await stateInWords(targets, id) }))),
    steps: plan.steps.map((step) => ({
      id: step.id,
      deed: deedInWords(step.deed),
      acts: step.acts,
      ...(step.undo === undefined ? {} : { undo: deedInWords(step.undo) }),
      reversibility: step.reversibility,
      checks: [...step.precondition, ...(step.verify?.checks ?? [])].map(checkInWords),
    })),
  };
}

async function stateInWords(targets: TargetPort, id: string): Promise<string> {
  try {
    const { replicas, revision, previousRevision } = await targets.get(id);
    const healthy = replicas.filter((replica) => replica.healthy).length;
    return `${healthy} of ${replicas.length} replicas healthy, revision ${revision}, ${previousRevision === undefined ? "no revision before it" : `before it ${previousRevision}`}`;
  } catch (error) {
    return `cannot be asked: ${messageOf(error)}`;
  }
}
