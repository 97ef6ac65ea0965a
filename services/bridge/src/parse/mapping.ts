// Terms. A *mapping* says, without code, where a sender's JSON keeps what an alert needs. A *place* is a JSON pointer
// (RFC 6901, `/check/name`) or a constant; of several places the first that holds something counts.
import { Severity } from "@tocsin/contracts";
import { parseDocument } from "yaml";
import * as z from "zod";

const Pointer = z.string().regex(/^(\/[^/]*)+$/, "a place is a JSON pointer such as /check/name, or {value: text}");
const Step = z.union([Pointer, z.strictObject({ value: z.string() })]);
const Place = z.union([Step.transform((step) => [step]), z.array(Step)]);
export type Place = z.output<typeof Place>;

const nowhere = Place.default([]);

export const Mapping = z.strictObject({
  /** The key of the top-level list that holds the alerts. Absent: the body is one alert, or a list of them. */
  items: z.string().min(1).optional(),
  /** Becomes the `alertname` label. */
  name: Place,
  service: nowhere,
  severity: nowhere,
  /** The sender's words for severities, where ours do not fit. */
  severities: z.record(z.string(), Severity).default({}),
  status: nowhere,
  /** Words of `status` that mean "over"; everything else is firing. */
  resolved: z.array(z.string()).default([]),
  startsAt: nowhere,
  endsAt: nowhere,
  link: nowhere,
  /** Labels are the alert's identity: what differs between firing and resolved does not belong here. */
  labels: z.record(z.string(), Place).default({}),
  /** Objects, or lists of `key:value`, whose entries become labels. */
  labelsFrom: z.array(Pointer).default([]),
  annotations: z.record(z.string(), Place).default({}),
});
export type Mapping = z.output<typeof Mapping>;

export const SOURCE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** Sources that have a reader of their own. */
export const RESERVED_SOURCES: ReadonlySet<string> = new Set(["alertmanager", "grafana", "gitlab", "change", "inbox"]);

const MappingFile = z.strictObject({
  sources: z.record(
    z
      .string()
      .regex(SOURCE_NAME, "a source is letters, digits, dot, dash and underscore")
      .refine((name) => !RESERVED_SOURCES.has(name), "this name has a reader of its own"),
    Mapping,
  ),
});
export type Mappings = ReadonlyMap<string, Mapping>;

export type MappingsRead =
  | { readonly kind: "read"; readonly mappings: Mappings }
  | { readonly kind: "wrong"; readonly problems: readonly string[] };

/** Pure: the mappings in a YAML text, or everything that is wrong with it, each with its line or path. */
export function readMappings(yaml: string): MappingsRead {
  const document = parseDocument(yaml);
  if (document.errors.length > 0) return { kind: "wrong", problems: document.errors.map((error) => error.message.split("\n")[0] ?? "") };
  const parsed = MappingFile.safeParse(document.toJS() ?? { sources: {} });
  if (parsed.success) return { kind: "read", mappings: new Map(Object.entries(parsed.data.sources)) };
  return { kind: "wrong", problems: parsed.error.issues.map((issue) => `${issue.path.join(".") || "file"}: ${innermost(issue)}`) };
}

/** zod says "Invalid key" or "Invalid input" where the reason lies further in. */
function innermost(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_key") return issue.issues[0]?.message ?? issue.message;
  if (issue.code === "invalid_union") return issue.errors.flat()[0]?.message ?? issue.message;
  return issue.message;
}

/** For senders without a mapping: the names that are in use for these things. */
export const DEFAULT_MAPPING: Mapping = Mapping.parse({
  name: ["/alertname", "/labels/alertname", "/alert_name", "/name", "/title", "/check", "/rule", "/summary"],
  service: ["/service", "/labels/service", "/service_name", "/app", "/application", "/component", "/source"],
  severity: ["/severity", "/labels/severity", "/level", "/priority", "/urgency"],
  status: ["/status", "/state", "/event_action", "/event"],
  resolved: [
    "resolved",
    "resolve",
    "ok",
    "okay",
    "recovered",
    "recovery",
    "closed",
    "close",
    "clear",
    "cleared",
    "normal",
    "up",
    "healthy",
  ],
  startsAt: ["/startsAt", "/starts_at", "/started_at", "/timestamp", "/time", "/at", "/date"],
  endsAt: ["/endsAt", "/ends_at", "/ended_at", "/resolved_at"],
  link: ["/generatorURL", "/link", "/url"],
  labels: {
    instance: ["/instance", "/host", "/hostname"],
    environment: ["/environment", "/env"],
    cluster: "/cluster",
    namespace: "/namespace",
    dedup_key: ["/dedup_key", "/dedupKey", "/incident_key", "/alias"],
  },
  labelsFrom: ["/labels", "/tags"],
  annotations: {
    summary: ["/annotations/summary", "/summary", "/title"],
    description: ["/annotations/description", "/description", "/message", "/text", "/body"],
    runbook_url: ["/annotations/runbook_url", "/runbook_url", "/runbook"],
  },
});
