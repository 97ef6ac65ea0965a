import { randomBytes } from "node:crypto";

/** Where a request stands in its trace. */
export interface TraceContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
}

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/;
const spanId = (): string => randomBytes(8).toString("hex");

/** The span of a request that came in: a child of the caller's span, or the root of a new trace. @see W3C Trace Context */
export function incomingContext(traceparent: string | undefined): TraceContext {
  const match = TRACEPARENT.exec(traceparent ?? "");
  if (match === null) return { traceId: randomBytes(16).toString("hex"), spanId: spanId() };
  return { traceId: match[1] as string, spanId: spanId(), parentSpanId: match[2] as string };
}

export const childContext = (parent: TraceContext): TraceContext => ({
  traceId: parent.traceId,
  spanId: spanId(),
  parentSpanId: parent.spanId,
});

export const traceparentOf = (context: TraceContext): string => `00-${context.traceId}-${context.spanId}-01`;
