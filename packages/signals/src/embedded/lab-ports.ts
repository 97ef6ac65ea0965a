// Logs, traces and changes of the lab. Lines are redacted here, at the edge, before anything stores or shows them.
import type { LogLine, Span } from "@tocsin/contracts";
import { redact } from "@tocsin/runtime";
import { edgesOfSpans } from "../edges.ts";
import { notableOf } from "../notable-spans.ts";
import { answerOr } from "../partial.ts";
import type { LogsPort, TracesPort } from "../ports.ts";
import type { LabClient } from "./lab-client.ts";

const MAX_LINES = 1_000;
const MAX_SPANS = 5_000;

export function createLabLogs(lab: LabClient): LogsPort {
  return {
    lines: (service, window, limit, options) =>
      answerOr<readonly LogLine[]>([], async () => {
        const asked = Math.min(limit, MAX_LINES);
        const lines = await lab.logs(service, window, asked, options);
        return lines
          .toSorted((a, b) => a.at - b.at)
          .slice(-asked)
          .map((line) => ({ ...line, message: redact(line.message) }));
      }),
    ping: async () => {
      await lab.topology({ deadlineMs: 2_000 });
    },
  };
}

export function createLabTraces(lab: LabClient): TracesPort {
  return {
    edges: (window, options) => answerOr([], async () => edgesOfSpans(await lab.spans(undefined, window, MAX_SPANS, options))),
    notable: (service, window, limit, options) =>
      answerOr<readonly Span[]>([], async () => notableOf(await lab.spans(service, window, MAX_SPANS, options), service, limit)),
    ping: async () => {
      await lab.topology({ deadlineMs: 2_000 });
    },
  };
}
