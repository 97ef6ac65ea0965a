import type { SpanSender } from "@tocsin/telemetry";
import type { Output } from "./output.ts";

/**
 * Sends spans over OTLP when OpenTelemetry's own variables say where to. Otherwise none of its libraries is loaded: they take memory, and a
 * container of the shop need not have them.
 */
export async function openSender(
  env: Readonly<Record<string, string | undefined>>,
  service: { readonly name: string; readonly version: string },
): Promise<SpanSender | undefined> {
  if (!Object.entries(env).some(([name, value]) => /^OTEL_EXPORTER_OTLP_(TRACES_)?ENDPOINT$/.test(name) && value)) return undefined;
  const { openSpanSender, sendsTraces } = await import("@tocsin/telemetry");
  return sendsTraces(env) ? await openSpanSender(service) : undefined;
}

/** Spans are printed in any case: the supervisor keeps them for who asks it. */
export const sendingToo = (output: Output, sender: SpanSender | undefined): Output =>
  sender === undefined
    ? output
    : {
        ...output,
        span(span) {
          output.span(span);
          sender.send(span);
        },
      };
