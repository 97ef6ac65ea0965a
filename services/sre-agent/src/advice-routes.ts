import { Cause, Evidence, LabelSet, Narration, Severity } from "@tocsin/contracts";
import { openEventStream } from "@tocsin/http";
import { digestOf } from "@tocsin/runtime";
import { diagnosisOf, incidentWork, viewIncident } from "@tocsin/store";
import type { FastifyPluginAsync } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import * as z from "zod";
import { answer } from "./advice/ask.ts";
import { consult } from "./advice/consult.ts";
import { factsOf, factsText } from "./advice/facts.ts";
import { NarrationAnswer, narrationOf } from "./advice/narration.ts";
import { draftRunbook } from "./advice/runbook-draft.ts";
import { standingNow, standingOf } from "./advice/standing.ts";
import { analyze } from "./analyze.ts";
import { incidentNotOver, incidentUnknown, tooManyRequests } from "./errors.ts";
import type { AgentDeps } from "./round.ts";

const Id = z.object({ id: z.string().max(200) });
const Question = z.object({ question: z.string().trim().min(3).max(500) });
const AnalyzeBody = z
  .object({
    query: z.string().min(1).max(2_000).optional(),
    alert: z
      .object({
        labels: LabelSet,
        annotations: LabelSet.optional(),
        severity: Severity.optional(),
        startsAt: z.iso.datetime({ offset: true }).optional(),
      })
      .optional(),
    minutes: z.number().int().min(2).max(1_440).default(30),
    words: z.boolean().default(true),
  })
  .refine(({ query, alert }) => (query === undefined) !== (alert === undefined), "give either a query or an alert");
const AnalyzeView = z.object({
  verdict: z.enum(["cause", "inconclusive"]),
  causes: z.array(Cause),
  evidence: z.array(Evidence),
  missing: z.array(z.string()),
  unsettled: z.string().optional(),
  series: z.array(z.object({ labels: LabelSet, last: z.number().nullable(), isOff: z.boolean() })).optional(),
  analysis: z.string(),
  narration: Narration.optional(),
  noModel: z.string().optional(),
});

const NO_MODEL =
  "No language model is configured. Set TOCSIN_LLM_URL (see the README of packages/llm) to ask questions; everything else works without one.";
const ASK_DEADLINE_MS = 60_000;
const MINUTE_MS = 60_000;

/** What people ask of a model, and of the agent without one: questions about an incident, an analysis by hand, the draft of a runbook. */
export const adviceRoutes =
  (deps: AgentDeps): FastifyPluginAsync =>
  async (fastify) => {
    const app = fastify.withTypeProvider<ZodTypeProvider>();
    const { store, advice, clock, config } = deps;
    const admit = limiter(config.requestsPerMinute, () => clock.now());
    async function known(id: string) {
      const incident = await viewIncident(store.sql, id);
      const work = await incidentWork(store.sql, id);
      if (!incident || !work) throw incidentUnknown(id);
      return { incident, work };
    }

    app.get("/llm", { schema: { summary: "Language models: which, how they are, what they have cost", tags: ["llm"] } }, async () => {
      const prompts = Object.values(advice?.prompts ?? {}).map(({ ref }) => ref);
      return { ...(await advice?.adviser.status()), prompts };
    });

    app.post(
      "/incidents/:id/ask",
      {
        schema: {
          summary: "Ask about an incident; the answer streams as server-sent events, each sentence checked and with its evidence",
          tags: ["llm"],
          params: Id,
          body: Question,
        },
      },
      async (request, reply) => {
        admit(request.ip);
        const { id } = request.params;
        const { incident, work } = await known(id);
        const diagnosis = await diagnosisOf(store.sql, id);
        const stream = openEventStream(request, reply);
        let number = 0;
        const send = (event: string, data: unknown) => stream.send({ id: String(++number), event, data });
        try {
          if (!advice?.adviser.isConfigured) send("skipped", { text: NO_MODEL });
          else if (!diagnosis || diagnosis.evidence.length === 0)
            send("skipped", { text: "Nothing is known of this incident yet: ask again when it has been looked into." });
          else {
            const facts = factsOf(diagnosis, [], standingNow(incident));
            const { question } = request.body;
            await answer(
              {
                ...advice,
                facts,
                question,
                account: {
                  callId: `${id}:ask:${digestOf(`${question}\n${factsText(facts)}`).slice(7, 39)}`,
                  incidentId: id,
                  tenant: work.scope,
                },
                deadlineMs: ASK_DEADLINE_MS,
                signal: stream.signal,
              },
              (piece) => {
                if (piece.kind === "sentence") send("sentence", piece.sentence);
                else if (piece.kind === "done") {
                  deps.metrics.sentences(piece.kept, piece.dropped);
                  send("done", { kept: piece.kept, dropped: piece.dropped.length, model: piece.model });
                } else send(piece.kind, piece.kind === "skipped" ? { text: piece.text } : {});
              },
            );
          }
        } catch (error) {
          if (!stream.signal.aborted) {
            deps.log.warn({ err: error, incidentId: id }, "question not answered");
            send("skipped", { text: "The question could not be answered." });
          }
        }
        stream.end();
        return reply;
      },
    );

    app.post(
      "/analyze",
      {
        schema: {
          summary: "Analyze an alert or a query by hand; nothing is kept or done",
          tags: ["llm"],
          body: AnalyzeBody,
          response: { 200: AnalyzeView },
        },
      },
      async (request) => {
        admit(request.ip);
        const answered = await analyze(deps, request.body);
        return { ...answered, causes: [...answered.causes], evidence: [...answered.evidence], missing: [...answered.missing] } as z.output<
          typeof AnalyzeView
        >;
      },
    );

    app.post(
      "/incidents/:id/runbook-draft",
      {
        schema: {
          summary: "A draft of a runbook from an incident that is over: a file to review that nothing runs",
          tags: ["llm"],
          params: Id,
        },
      },
      async (request, reply) => {
        admit(request.ip);
        const { id } = request.params;
        const { incident, work } = await known(id);
        if (incident.state !== "closed" && incident.state !== "resolved" && incident.state !== "escalated")
          throw incidentNotOver(id, incident.state);
        const diagnosis = await diagnosisOf(store.sql, id);
        const facts = factsOf(
          diagnosis ?? { verdict: "inconclusive", causes: [], evidence: [], missing: [], at: incident.startedAt },
          [],
          standingOf(incident, undefined),
        );
        const succeeded = incident.runs.findLast((run) => run.state === "succeeded")?.runbook;
        const helped = succeeded === undefined ? undefined : (await deps.runbooks()).find((runbook) => runbook.id === succeeded);
        const prose = await proseOf(deps, id, work.scope, facts);
        const draft = draftRunbook({ incident, facts, helped, prose });
        return reply
          .header("content-type", "text/markdown; charset=utf-8")
          .header("content-disposition", `attachment; filename="${draft.filename}"`)
          .header("x-tocsin-lint-errors", String(draft.problems.filter(({ level }) => level === "error").length))
          .send(draft.markdown);
      },
    );
  };

async function proseOf({ advice, config, clock, metrics }: AgentDeps, id: string, tenant: string, facts: Parameters<typeof factsText>[0]) {
  if (!advice?.adviser.isConfigured || facts.facts.length === 0) return undefined;
  const consulted = await consult(
    advice.adviser,
    { callId: `${id}:runbook-draft:${digestOf(factsText(facts)).slice(7, 39)}`, incidentId: id, tenant },
    { prompt: advice.prompts["runbook-draft"], facts, shape: NarrationAnswer, deadlineMs: config.narrateTimeoutSeconds * 1_000 },
  );
  if (consulted.kind === "skipped") return undefined;
  const { narration, dropped } = narrationOf(consulted.value, facts, consulted.model, new Date(clock.now()).toISOString());
  metrics.sentences(narration?.sentences.length ?? 0, dropped);
  return narration && { sentences: narration.sentences, model: consulted.model };
}

/** So many requests from one address in a minute, over all of these routes. @throws AppError `AGENT_REQUESTS_TOO_MANY` */
function limiter(most: number, now: () => number): (address: string) => void {
  let minute = 0;
  let counts = new Map<string, number>();
  return (address) => {
    const current = Math.floor(now() / MINUTE_MS);
    if (current !== minute) {
      minute = current;
      counts = new Map();
    }
    const count = (counts.get(address) ?? 0) + 1;
    counts.set(address, count);
    if (count > most) throw tooManyRequests(most);
  };
}
