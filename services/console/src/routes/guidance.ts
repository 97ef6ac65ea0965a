import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { eventOf, IncidentGuided, type IncidentView } from "@tocsin/contracts";
import { type Guidance, guidanceFields, indexTexts, parseGuidance } from "@tocsin/runbooks";
import { type Clock, isoTime, type Sql } from "@tocsin/runtime";
import { appendEvents, appendJournal, guidanceOf, insertGuidance, tickGuidance, viewIncident } from "@tocsin/store";
import type { FastifyPluginAsync } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import * as z from "zod";
import { guidanceUnknown, incidentUnknown } from "../errors.ts";
import { GuidanceView } from "../views.ts";
import { stateOf } from "./decisions.ts";

const SOURCE = "/tocsin/console";
const SUGGESTED = 5;
/** A step is shown in a sentence of the timeline, not at length. */
const MAX_WORDS = 160;

/** Every Markdown file below the runbooks folder: plain ones in `_guidance/`, and the prose of those that a machine can run. */
async function readGuidance(folder: string): Promise<readonly Guidance[]> {
  const paths = (await readdir(folder, { recursive: true }).catch(() => []))
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => path.endsWith(".md") && !path.endsWith("README.md"))
    .sort();
  const all = await Promise.all(paths.map(async (path) => parseGuidance(path, await readFile(join(folder, path), "utf8"))));
  return all.filter((guidance) => guidance.steps.length > 0);
}

/** The plain runbooks that read like the incident, with what they have in common. */
function suggested(all: readonly Guidance[], incident: IncidentView) {
  const [cause] = incident.causes;
  const query = [
    cause ? `${cause.kind} ${cause.text}` : "",
    ...incident.members.map(({ name, annotations }) => `${name} ${annotations["summary"] ?? ""} ${annotations["description"] ?? ""}`),
  ].join("\n");
  return indexTexts(all, guidanceFields)
    .search(query)
    .slice(0, SUGGESTED)
    .map(({ item, similarity, terms }) => ({
      id: item.id,
      title: item.title,
      path: item.path,
      steps: item.steps.length,
      similarity,
      because: terms.slice(0, 5),
    }));
}

/** Plain runbooks that a person follows for an incident, step by step. Nothing in them is ever run. */
export const guidanceRoutes =
  ({ folder, sql, clock }: { readonly folder: string; readonly sql: Sql; readonly clock: Clock }): FastifyPluginAsync =>
  async (fastify) => {
    const app = fastify.withTypeProvider<ZodTypeProvider>();
    const Id = z.object({ id: z.string().max(200) });
    const By = z.string().trim().min(1).max(200).default("console");
    const view = async (id: string) => {
      const incident = await viewIncident(sql, id);
      if (incident === undefined) throw incidentUnknown(id);
      return { items: await guidanceOf(sql, id), suggestions: suggested(await readGuidance(folder), incident) };
    };
    /** In the journal and the timeline, in the transaction of what it tells. */
    const tell = async (tx: Parameters<typeof appendEvents>[0], id: string, name: string, kind: string, text: string, by: string) => {
      const nowMs = clock.now();
      const at = isoTime(nowMs);
      await appendJournal(tx, { at, actor: by, action: `guidance.${kind}`, subject: id, body: { text } });
      const fact = { incidentId: id, at, kind: `guidance-${kind}`, text, state: await stateOf(tx, id) };
      await appendEvents(tx, [eventOf(IncidentGuided, { id: `${id}:guidance:${name}:${nowMs}`, source: SOURCE, time: at }, fact)]);
    };

    app.get(
      "/incidents/:id/guidance",
      {
        schema: {
          summary: "Runbooks that a person follows for it: those begun, with their ticks, and those that read like it",
          tags: ["runbooks"],
          params: Id,
          response: { 200: GuidanceView },
        },
      },
      ({ params }) => view(params.id),
    );

    app.post(
      "/incidents/:id/guidance",
      {
        schema: {
          summary: "Begin to follow one",
          tags: ["runbooks"],
          params: Id,
          body: z.object({ guidance: z.string().min(1).max(200), by: By }),
          response: { 200: GuidanceView },
        },
      },
      async ({ params, body }) => {
        const all = await readGuidance(folder);
        const found = all.find((each) => each.id === body.guidance);
        if (found === undefined)
          throw guidanceUnknown(
            body.guidance,
            all.map((each) => each.id),
          );
        await sql.transaction(async (tx) => {
          await stateOf(tx, params.id);
          const { id: guidance, title, path, digest, steps } = found;
          const row = { incidentId: params.id, guidance, title, path, digest, steps, by: body.by };
          if (await insertGuidance(tx, row, clock.now()))
            await tell(tx, params.id, guidance, "begun", `${body.by} follows ${title} (${steps.length} steps)`, body.by);
        });
        return view(params.id);
      },
    );

    app.post(
      "/incidents/:id/guidance/:guidance/steps/:position",
      {
        schema: {
          summary: "Tick a step off, or take the tick away",
          tags: ["runbooks"],
          params: Id.extend({ guidance: z.string().max(200), position: z.coerce.number().int().min(0).max(1_000) }),
          body: z.object({ done: z.boolean(), by: By, note: z.string().trim().max(1_000).default("") }),
          response: { 200: GuidanceView },
        },
      },
      async ({ params, body }) => {
        const { id, guidance, position } = params;
        await sql.transaction(async (tx) => {
          await stateOf(tx, id);
          const rows = await guidanceOf(tx, id);
          const step = rows.find((row) => row.guidance === guidance)?.steps[position];
          if (step === undefined)
            throw guidanceUnknown(
              `${guidance}, step ${position + 1}`,
              rows.map((row) => row.guidance),
            );
          if (!(await tickGuidance(tx, { incidentId: id, guidance, position, ...body }, clock.now()))) return;
          const words = step.text.length > MAX_WORDS ? `${step.text.slice(0, MAX_WORDS)}…` : step.text;
          const note = body.note === "" ? "" : ` (${body.note})`;
          const text = `${body.by} ${body.done ? "did" : "took back"} step ${position + 1} of ${guidance}: ${words}${note}`;
          await tell(tx, id, `${guidance}:${position}`, body.done ? "done" : "undone", text, body.by);
        });
        return view(id);
      },
    );
  };
