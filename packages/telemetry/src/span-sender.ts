/** A span that somebody else has measured, under ids that it already has. */
export interface FinishedSpan {
  /** 32 and 16 hex digits. */
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: "server" | "client";
  /** Whom a client span calls: all there is of a callee that sends no span of its own. */
  readonly peer?: string;
  /** Unix seconds. */
  readonly startAt: number;
  readonly durationMs: number;
  readonly error: boolean;
}

export interface SpanSender {
  /** Never waits: what does not fit into the buffer is dropped. */
  send(span: FinishedSpan): void;
  /** Sends what is left. Never throws. */
  stop(): Promise<void>;
}

/** Is there anywhere to send spans to, by OpenTelemetry's own variables? */
export const sendsTraces = (env: Readonly<Record<string, string | undefined>>): boolean =>
  env["OTEL_SDK_DISABLED"] !== "true" && Boolean(env["OTEL_EXPORTER_OTLP_ENDPOINT"] || env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]);

/**
 * Sends finished spans over OTLP/HTTP in batches, at most 2,048 of them waiting. Endpoint, headers, certificates and timeouts are read by
 * OpenTelemetry's exporter from the variables of the process.
 */
export async function openSpanSender(service: { readonly name: string; readonly version: string }): Promise<SpanSender> {
  const [{ SpanKind, SpanStatusCode, TraceFlags }, { resourceFromAttributes }, { BatchSpanProcessor }, { OTLPTraceExporter }] =
    await Promise.all([
      import("@opentelemetry/api"),
      import("@opentelemetry/resources"),
      import("@opentelemetry/sdk-trace"),
      import("@opentelemetry/exporter-trace-otlp-http"),
    ]);
  const resource = resourceFromAttributes({ "service.name": service.name, "service.version": service.version });
  const processor = new BatchSpanProcessor({ exporter: new OTLPTraceExporter(), scheduledDelayMillis: 1_000 });
  const context = (traceId: string, spanId: string, isRemote: boolean) => ({ traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote });
  return {
    send({ traceId, spanId, parentSpanId, name, kind, peer, startAt, durationMs, error }) {
      const own = context(traceId, spanId, false);
      processor.onEnd({
        name,
        kind: kind === "server" ? SpanKind.SERVER : SpanKind.CLIENT,
        spanContext: () => own,
        ...(parentSpanId === undefined ? {} : { parentSpanContext: context(traceId, parentSpanId, kind === "server") }),
        startTime: hrTime(startAt * 1_000),
        endTime: hrTime(startAt * 1_000 + durationMs),
        duration: hrTime(durationMs),
        status: { code: error ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
        attributes: peer === undefined ? {} : { "peer.service": peer },
        links: [],
        events: [],
        ended: true,
        resource,
        instrumentationScope: { name: "tocsin" },
        droppedAttributesCount: 0,
        droppedEventsCount: 0,
        droppedLinksCount: 0,
      });
    },
    async stop() {
      // The receiver may be away: what it has not got by now it does not get.
      await processor.shutdown().catch(() => {});
    },
  };
}

/** Seconds and nanoseconds. */
function hrTime(ms: number): [number, number] {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1e6)];
}
