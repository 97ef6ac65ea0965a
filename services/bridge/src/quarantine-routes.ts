import { type Clock, isoTime, type Sql } from "@tocsin/runtime";
import { appendJournal, decideQuarantined, findQuarantined, listQuarantined, type QuarantineEntry } from "@tocsin/store";
import type { FastifyPluginAsync } from "fastify";
import * as z from "zod";
import { quarantineDecided, quarantineUnknown, stillRejected } from "./errors.ts";
import type { Intake } from "./intake.ts";
import type { Parsed } from "./parse/outcome.ts";

export interface QuarantineDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly intake: Pick<Intake, "take">;
  /** Reads quarantined bytes again, as today's readers and mappings understand them. */
  readonly reread: (entry: QuarantineEntry & { readonly body: Uint8Array }, receivedAt: string) => Parsed;
}

const Listing = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().optional(),
  state: z.enum(["held", "replayed", "dropped"]).optional(),
  source: z.string().max(64).optional(),
});
const Cursor = z.tuple([z.iso.datetime(), z.string()]);
const Id = z.object({ id: z.string().max(100) });
const By = z.object({ by: z.string().trim().min(1).max(200).default("console") });

/** `/api/v1/quarantine`: what was acknowledged and could not be understood, for a person to look at, try again or drop. */
export const quarantineRoutes =
  ({ sql, clock, intake, reread }: QuarantineDeps): FastifyPluginAsync =>
  async (app) => {
    const held = async (id: string) => {
      const entry = await findQuarantined(sql, id);
      if (entry === undefined) throw quarantineUnknown(id);
      if (entry.state !== "held") throw quarantineDecided(id, entry.state);
      return entry;
    };

    /** Journalled with the decision, in its transaction: what was refused and who put it away has to be found again. */
    const decide = (entry: QuarantineEntry, state: "replayed" | "dropped", by: string): Promise<boolean> =>
      sql.transaction(async (tx) => {
        if (!(await decideQuarantined(tx, entry.id, state))) return false;
        const { source, code, reason, receivedAt } = entry;
        const at = isoTime(clock.now());
        await appendJournal(tx, {
          at,
          actor: by,
          action: `quarantine.${state}`,
          subject: entry.id,
          body: { source, code, reason, receivedAt },
        });
        return true;
      });

    app.get("/", async (request) => {
      const { limit, cursor, state, source } = Listing.parse(request.query);
      const entries = await listQuarantined(sql, {
        limit: limit + 1,
        ...(state === undefined ? {} : { state }),
        ...(source === undefined ? {} : { source }),
        ...(cursor === undefined ? {} : { before: readCursor(cursor) }),
      });
      const items = entries.slice(0, limit);
      const last = entries.length > limit ? items.at(-1) : undefined;
      return { items: items.map(shown), next: last === undefined ? null : writeCursor(last) };
    });

    app.get("/:id", async (request) => {
      const { id } = Id.parse(request.params);
      const entry = await findQuarantined(sql, id);
      if (entry === undefined) throw quarantineUnknown(id);
      return { ...shown(entry), headers: entry.headers, ...readable(entry.body) };
    });

    // Taken before it is marked: a crash in between replays it twice, which is the same transition, rather than never.
    app.post("/:id/replay", async (request) => {
      const { id } = Id.parse(request.params);
      const entry = await held(id);
      const parsed = reread(entry, isoTime(clock.now()));
      if (parsed.alerts.length + parsed.changes.length === 0 && parsed.rejections.length > 0)
        throw stillRejected(id, [...new Set(parsed.rejections.map(({ reason }) => reason))].slice(0, 20));
      const receipt = await intake.take(parsed, { headers: entry.headers, isReplay: true });
      await decide(entry, "replayed", By.parse(request.body ?? {}).by);
      return { id, state: "replayed", ...receipt };
    });

    app.post("/:id/drop", async (request) => {
      const { id } = Id.parse(request.params);
      const { by } = By.parse(request.body ?? {});
      if (!(await decide(await held(id), "dropped", by))) throw quarantineDecided(id, "decided on");
      return { id, state: "dropped" };
    });
  };

const shown = ({ id, source, receivedAt, code, reason, size, times, state, decidedAt, headers }: QuarantineEntry) => ({
  id,
  source,
  receivedAt,
  code,
  reason,
  size,
  times,
  state,
  part: "tocsin-member-of" in headers ? "member" : "body",
  ...(decidedAt === null ? {} : { decidedAt }),
});

/** The bytes as text where they are text, else as base64. */
function readable(body: Uint8Array): { encoding: "utf-8" | "base64"; body: string } {
  try {
    return { encoding: "utf-8", body: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body) };
  } catch {
    return { encoding: "base64", body: Buffer.from(body).toString("base64") };
  }
}

const writeCursor = ({ receivedAt, id }: QuarantineEntry): string => Buffer.from(JSON.stringify([receivedAt, id])).toString("base64url");

function readCursor(cursor: string): { receivedAt: string; id: string } {
  const text = Buffer.from(cursor, "base64url").toString("utf8");
  const [receivedAt, id] = z
    .string()
    .transform((json, context): unknown => {
      try {
        return JSON.parse(json);
      } catch {
        context.addIssue({ code: "custom", message: "cursor: not one that a list gave", path: ["cursor"] });
        return z.NEVER;
      }
    })
    .pipe(Cursor)
    .parse(text);
  return { receivedAt, id };
}
