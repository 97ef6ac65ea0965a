import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type LoadedRunbooks, loadRunbooks } from "@tocsin/runbooks";
import { AppError } from "@tocsin/runtime";
import type { FastifyPluginAsync } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import * as z from "zod";

/** Reads the library anew, so that a file edited by hand is shown as it is now; a folder that is not there is an empty library. */
async function readLibrary(folder: string): Promise<LoadedRunbooks> {
  return loadRunbooks({
    list: () => readdir(folder, { recursive: true }).catch(() => []),
    read: (path) => readFile(join(folder, path), "utf8"),
  });
}

/** The runbooks that there are, and what is wrong with those that were refused. */
export const runbookRoutes =
  (folder: string): FastifyPluginAsync =>
  async (fastify) => {
    const app = fastify.withTypeProvider<ZodTypeProvider>();
    app.get("/runbooks", { schema: { summary: "The runbook library and its lint state", tags: ["runbooks"] } }, async () => {
      const { runbooks, problems } = await readLibrary(folder);
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
      }));
      return { items, next: null, refused: problems.filter((problem) => problem.level === "error") };
    });
    const Id = z.object({ id: z.string().max(200) });
    app.get("/runbooks/:id", { schema: { summary: "One runbook with its text", tags: ["runbooks"], params: Id } }, async ({ params }) => {
      const { runbooks } = await readLibrary(folder);
      const runbook = runbooks.find(({ id }) => id === params.id);
      if (runbook === undefined)
        throw new AppError("RUNBOOK_UNKNOWN", `there is no runbook ${params.id}`, { details: { known: runbooks.map(({ id }) => id) } });
      return { ...runbook, text: await readFile(join(folder, runbook.path), "utf8") };
    });
  };
