// OpenTelemetry's GenAI conventions (development status, 2026-05) and Langfuse's attributes. `@opentelemetry/api` does nothing until the
// process has an SDK, and the SDK's batch processor drops rather than waits: a span never holds a call up.
import { type Attributes, metrics, type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AppError, messageOf } from "@tocsin/runtime";
import type { Occasion } from "./adviser.ts";
import type { LlmPort, LlmReply, LlmRequest } from "./llm-port.ts";

const NAME = "@tocsin/llm";
/** Powers of 4 from 1, as the conventions want them. */
const TOKEN_BUCKETS = Array.from({ length: 14 }, (_, n) => 4 ** n);
const SECOND_BUCKETS = Array.from({ length: 14 }, (_, n) => 0.01 * 2 ** n);

export interface ModelSpan {
  replied(reply: LlmReply, costUsd: number | undefined): void;
  failed(error: unknown): void;
  firstText(): void;
}

const CONTENT_CHARS = 32_000;

/** @param withContent put the (masked) prompt and answer on the span: off unless somebody asked for it */
export function startModelSpan(port: LlmPort, request: LlmRequest, occasion: Occasion, withContent: boolean): ModelSpan {
  const startedAt = performance.now();
  const provider = port.provider;
  const common: Attributes = { "gen_ai.operation.name": "chat", "gen_ai.provider.name": provider, "gen_ai.request.model": port.model };
  const span = trace.getTracer(NAME).startSpan(`chat ${port.model}`, {
    kind: SpanKind.CLIENT,
    attributes: {
      ...common,
      ...sessionAttributes(occasion.incidentId, occasion.tenant),
      "gen_ai.request.max_tokens": request.maxOutputTokens,
      ...(request.temperature === undefined ? {} : { "gen_ai.request.temperature": request.temperature }),
      "gen_ai.output.type": request.schema === undefined ? "text" : "json",
      "langfuse.observation.type": "generation",
      "langfuse.observation.prompt.name": request.prompt.name,
      "langfuse.observation.prompt.version": request.prompt.version,
      "langfuse.trace.metadata.prompt_hash": request.prompt.hash,
      "langfuse.trace.metadata.call_id": occasion.callId,
      ...(withContent ? { "langfuse.observation.input": inputOf(request) } : {}),
    },
  });
  const meter = metrics.getMeter(NAME);
  const duration = meter.createHistogram("gen_ai.client.operation.duration", {
    unit: "s",
    advice: { explicitBucketBoundaries: SECOND_BUCKETS },
  });
  const record = (extra: Attributes) => duration.record((performance.now() - startedAt) / 1_000, { ...common, ...extra });
  let toldFirst = false;

  return {
    firstText() {
      if (toldFirst) return;
      toldFirst = true;
      span.setAttribute("langfuse.observation.completion_start_time", new Date().toISOString());
    },
    replied(reply, costUsd) {
      const { inputTokens, outputTokens, cachedInputTokens } = reply.usage;
      span.setAttributes({
        "gen_ai.response.model": reply.model,
        ...(reply.requestId === undefined ? {} : { "gen_ai.response.id": reply.requestId }),
        "gen_ai.response.finish_reasons": [reply.stop],
        "gen_ai.usage.input_tokens": inputTokens,
        "gen_ai.usage.output_tokens": outputTokens,
        ...(cachedInputTokens === undefined ? {} : { "gen_ai.usage.cache_read.input_tokens": cachedInputTokens }),
        ...(costUsd === undefined
          ? {}
          : { "gen_ai.usage.cost": costUsd, "langfuse.observation.cost_details": JSON.stringify({ total: costUsd }) }),
        ...(withContent ? { "langfuse.observation.output": reply.text.slice(0, CONTENT_CHARS) } : {}),
      });
      const usage = meter.createHistogram("gen_ai.client.token.usage", {
        unit: "{token}",
        advice: { explicitBucketBoundaries: TOKEN_BUCKETS },
      });
      usage.record(inputTokens, { ...common, "gen_ai.token.type": "input" });
      usage.record(outputTokens, { ...common, "gen_ai.token.type": "output" });
      record({ "gen_ai.response.model": reply.model });
      span.end();
    },
    failed(error) {
      const type = AppError.is(error) ? error.code : "_OTHER";
      markFailed(span, error, type);
      record({ "error.type": type });
      span.end();
    },
  };
}

/** What Langfuse wants on every span of a trace: an incident is a session, a tenant its user. */
const sessionAttributes = (incidentId: string | undefined, tenant: string): Attributes => ({
  ...(incidentId === undefined ? {} : { "gen_ai.conversation.id": incidentId, "session.id": incidentId }),
  "user.id": tenant,
  "langfuse.trace.tags": ["tocsin"],
});

const inputOf = ({ system, messages }: LlmRequest): string =>
  JSON.stringify([{ role: "system", content: system }, ...messages.map(({ role, text }) => ({ role, content: text }))]).slice(
    0,
    CONTENT_CHARS,
  );

function markFailed(span: Span, error: unknown, type: string): void {
  span.setAttributes({ "error.type": type, "langfuse.observation.level": "ERROR" });
  span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
}

/** Whose work a span is. */
export interface SpanSubject {
  readonly incidentId: string;
  readonly tenant: string;
}

async function inSpan<T>(name: string, attributes: Attributes, work: () => Promise<T>): Promise<T> {
  return trace.getTracer(NAME).startActiveSpan(name, { kind: SpanKind.INTERNAL, attributes }, async (span) => {
    try {
      return await work();
    } catch (error) {
      markFailed(span, error, AppError.is(error) ? error.code : "_OTHER");
      throw error;
    } finally {
      span.end();
    }
  });
}

/** One run of a graph, the root of the calls made in it: `invoke_workflow investigate`. */
export const inWorkflowSpan = <T>(name: string, subject: SpanSubject, work: () => Promise<T>): Promise<T> =>
  inSpan(
    `invoke_workflow ${name}`,
    {
      "gen_ai.operation.name": "invoke_workflow",
      "gen_ai.workflow.name": name,
      "langfuse.trace.name": name,
      ...sessionAttributes(subject.incidentId, subject.tenant),
    },
    work,
  );

/** One call of a tool, ours: `execute_tool query_metric`. */
export const inToolSpan = <T>(tool: string, subject: SpanSubject, work: () => Promise<T>, toolCallId?: string): Promise<T> =>
  inSpan(
    `execute_tool ${tool}`,
    {
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": tool,
      "gen_ai.tool.type": "function",
      ...(toolCallId === undefined ? {} : { "gen_ai.tool.call.id": toolCallId }),
      ...sessionAttributes(subject.incidentId, subject.tenant),
    },
    work,
  );
