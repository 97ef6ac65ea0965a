import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { DEFAULT_POLICY, type LoadedRunbooks, limitsOf, loadRunbooks, type Runbook, recordOf } from "@tocsin/runbooks";
import { type Clock, isoTime, type Queryable } from "@tocsin/runtime";
import { runsStartedSince } from "@tocsin/store";
import type { FastifyPluginAsync } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import * as z from "zod";
import { runbookUnknown } from "../errors.ts";
import { listOf, RunbookRow } from "../views.ts";

/** Reads the library anew, so that a file edited by hand is shown as it is now; a folder that is not there is an empty library. */
async function readLibrary(folder: string): Promise<LoadedRunbooks> {
  return loadRunbooks({
    list: () => readdir(folder, { recursive: true }).catch(() => []),
    read: (path) => readFile(join(folder, path), "utf8"),
  });
}

/** The runbooks that there are, what is wrong with those that were refused, and how they did. What one would do, the executor answers. */
export const runbookRoutes =
  ({ folder, sql, clock }: { folder: string; sql: Queryable; clock: Clock }): FastifyPluginAsync =>
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
  };

const RunbookText = RunbookRow.pick({ id: true, title: true, path: true, digest: true, risk: true, autonomy: true, tags: true }).extend({
  text: z.string(),
});
