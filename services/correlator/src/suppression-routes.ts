import { compileMatcher, holdsAt, isTimeZone, overAt, WEEKDAYS } from "@tocsin/correlation";
import { type Clock, isoTime, newId, type Sql } from "@tocsin/runtime";
import {
  appendJournal,
  endSuppression,
  findSuppression,
  insertSuppression,
  listSuppressions,
  type NewSuppression,
  type SuppressionRow,
} from "@tocsin/store";
import type { FastifyPluginAsync } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import * as z from "zod";
import { matcherInvalid, suppressionUnknown } from "./errors.ts";

const Person = z.string().trim().min(1).max(200);
const Timestamp = z.iso.datetime({ offset: true }).transform((text) => new Date(text).toISOString());
const Base = z.object({
  /** Which alerts, e.g. `service == "cart" && severity != "critical"`. */
  matcher: z.string().trim().min(1).max(2_000),
  owner: Person,
  reason: z.string().trim().min(1).max(2_000),
});

const NewSilence = Base.extend({
  startsAt: Timestamp.optional(),
  /** When it ends; or `seconds` from now. */
  expiresAt: Timestamp.optional(),
  seconds: z
    .number()
    .positive()
    .max(366 * 86_400)
    .optional(),
}).refine(({ expiresAt, seconds }) => (expiresAt === undefined) !== (seconds === undefined), {
  message: "give either expiresAt or seconds",
  path: ["expiresAt"],
});

const WallClock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, "HH:MM, 00:00 to 23:59");
const Schedule = z.discriminatedUnion("kind", [
  z
    .object({ kind: z.literal("once"), from: Timestamp, to: Timestamp })
    .refine(({ from, to }) => Date.parse(from) < Date.parse(to), { message: "ends before it begins", path: ["to"] }),
  z.object({
    kind: z.literal("weekly"),
    days: z.array(z.enum(WEEKDAYS)).min(1).max(7),
    from: WallClock,
    /** At or before `from` it is on the next day. */
    to: WallClock,
    timeZone: z.string().max(100).refine(isTimeZone, "no such time zone; give an IANA name such as Europe/Vienna"),
  }),
]);
const NewWindow = Base.extend({ schedule: Schedule });

const View = z.object({
  id: z.string(),
  matcher: z.string(),
  owner: z.string(),
  reason: z.string(),
  createdAt: z.string(),
  /** Does it hold alerts back now? */
  active: z.boolean(),
  /** Transitions it has held back so far. */
  suppressed: z.number(),
  lastSuppressedAt: z.string().optional(),
  /** Alerts that fire and are held back by it now. */
  holdingBack: z.number(),
  endedAt: z.string().optional(),
  endedBy: z.string().optional(),
});
const SilenceView = View.extend({ startsAt: z.string(), expiresAt: z.string() });
const WindowView = View.extend({ schedule: Schedule });

const ListQuery = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(100),
  /** `all` also shows those that have ended. */
  state: z.enum(["live", "all"]).default("live"),
});
const Id = z.object({ id: z.string().max(200) });
const End = z.object({ by: Person.default("api") });

export interface SuppressionDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  /** Called after a rule has ended, so that what it held back comes back at once. */
  readonly onEnded: () => void;
}

/** `/silences` and `/maintenance-windows`: what people keep out of incidents for a while. Every change is in the audit journal. */
export const suppressionRoutes =
  ({ sql, clock, onEnded }: SuppressionDeps): FastifyPluginAsync =>
  async (fastify) => {
    const app = fastify.withTypeProvider<ZodTypeProvider>();
    const tags = ["suppression"];

    async function add(kind: NewSuppression["kind"], body: z.output<typeof Base>, schedule: NewSuppression["schedule"]) {
      const compiled = compileMatcher(body.matcher);
      if (compiled.kind === "invalid") throw matcherInvalid(body.matcher, compiled.column, compiled.message);
      const id = newId(kind === "silence" ? "sil" : "mnt", clock.now());
      const over = overAt(schedule);
      const rule: NewSuppression = {
        id,
        kind,
        ...{ matcher: body.matcher, owner: body.owner, reason: body.reason, schedule },
        createdAt: isoTime(clock.now()),
        ...(over === undefined ? {} : { overAt: isoTime(over) }),
      };
      await sql.transaction(async (tx) => {
        await insertSuppression(tx, rule);
        const { matcher, reason } = body;
        const entry = { at: rule.createdAt, actor: body.owner, action: `${kind}.created`, subject: id };
        await appendJournal(tx, { ...entry, body: { matcher, reason, schedule } });
      });
      return (await findSuppression(sql, kind, id)) as SuppressionRow;
    }
    async function end(kind: NewSuppression["kind"], id: string, by: string): Promise<SuppressionRow> {
      await sql.transaction(async (tx) => {
        if (await endSuppression(tx, kind, id, by, clock.now()))
          await appendJournal(tx, { at: isoTime(clock.now()), actor: by, action: `${kind}.ended`, subject: id, body: {} });
      });
      const row = await findSuppression(sql, kind, id);
      if (row === undefined) throw suppressionUnknown(kind, id);
      onEnded();
      return row;
    }
    const list = (kind: NewSuppression["kind"], { limit, state }: z.output<typeof ListQuery>) =>
      listSuppressions(sql, { kind, live: state === "live", nowMs: clock.now(), limit });

    app.get(
      "/silences",
      { schema: { summary: "Silences, the newest first", tags, querystring: ListQuery, response: { 200: pageOf(SilenceView) } } },
      async ({ query }) => ({ items: (await list("silence", query)).map((row) => silenceView(row, clock.now())), next: null }),
    );
    app.post(
      "/silences",
      { schema: { summary: "Keep alerts out of incidents until a time", tags, body: NewSilence, response: { 201: SilenceView } } },
      async ({ body }, reply) => {
        const from = body.startsAt ?? isoTime(clock.now());
        const to = body.expiresAt ?? isoTime(Date.parse(from) + (body.seconds as number) * 1_000);
        const schedule = Schedule.parse({ kind: "once", from, to });
        const row = await add("silence", body, schedule);
        return reply.code(201).header("location", `/api/v1/silences/${row.id}`).send(silenceView(row, clock.now()));
      },
    );
    app.delete(
      "/silences/:id",
      { schema: { summary: "End a silence now", tags, params: Id, querystring: End, response: { 200: SilenceView } } },
      async ({ params, query }) => silenceView(await end("silence", params.id, query.by), clock.now()),
    );

    app.get(
      "/maintenance-windows",
      { schema: { summary: "Maintenance windows, the newest first", tags, querystring: ListQuery, response: { 200: pageOf(WindowView) } } },
      async ({ query }) => ({ items: (await list("maintenance", query)).map((row) => windowView(row, clock.now())), next: null }),
    );
    app.post(
      "/maintenance-windows",
      { schema: { summary: "Announce planned work, once or every week", tags, body: NewWindow, response: { 201: WindowView } } },
      async ({ body }, reply) => {
        const row = await add("maintenance", body, body.schedule);
        return reply.code(201).header("location", `/api/v1/maintenance-windows/${row.id}`).send(windowView(row, clock.now()));
      },
    );
    app.delete(
      "/maintenance-windows/:id",
      { schema: { summary: "End a maintenance window for good", tags, params: Id, querystring: End, response: { 200: WindowView } } },
      async ({ params, query }) => windowView(await end("maintenance", params.id, query.by), clock.now()),
    );
  };

const pageOf = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), next: z.null() });

function view(row: SuppressionRow, nowMs: number): z.output<typeof View> {
  const { id, matcher, owner, reason, createdAt, suppressed, holdingBack } = row;
  return {
    ...{ id, matcher, owner, reason, createdAt, suppressed, holdingBack },
    active: row.endedAt === null && holdsAt(row.schedule, nowMs),
    ...(row.lastAt === null ? {} : { lastSuppressedAt: row.lastAt }),
    ...(row.endedAt === null ? {} : { endedAt: row.endedAt }),
    ...(row.endedBy === null ? {} : { endedBy: row.endedBy }),
  };
}

function silenceView(row: SuppressionRow, nowMs: number): z.output<typeof SilenceView> {
  // A silence is always stored as once.
  const { from, to } = row.schedule;
  return { ...view(row, nowMs), startsAt: from, expiresAt: to };
}

const windowView = (row: SuppressionRow, nowMs: number): z.output<typeof WindowView> => ({
  ...view(row, nowMs),
  schedule: { ...row.schedule } as z.output<typeof Schedule>,
});
