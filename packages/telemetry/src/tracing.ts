import type { Logger } from "@tocsin/runtime";
import { sendsTraces } from "./span-sender.ts";

/**
 * Starts OpenTelemetry when an OTLP endpoint is configured by OpenTelemetry's own variables; without one, the API that the
 * packages call stays a no-op and the SDK is never loaded.
 *
 * @returns flushes and stops it
 */
export async function startTracing(
  env: Readonly<Record<string, string | undefined>>,
  serviceName: string,
  log: Logger,
): Promise<() => Promise<void>> {
  if (!sendsTraces(env)) return async () => {};
  const [{ NodeSDK }, { OTLPTraceExporter }] = await Promise.all([
    import("@opentelemetry/sdk-node"),
    import("@opentelemetry/exporter-trace-otlp-http"),
  ]);
  const sdk = new NodeSDK({ serviceName: env["OTEL_SERVICE_NAME"] ?? serviceName, traceExporter: new OTLPTraceExporter() });
  sdk.start();
  log.info({ serviceName }, "tracing on");
  return () => sdk.shutdown();
}
