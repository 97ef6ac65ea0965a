import * as z from "zod";
import { type Mappings, readMappings } from "./parse/mapping.ts";

const list = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text) =>
      text
        .split(",")
        .map((item) => item.trim())
        .filter((item) => item !== ""),
    );
/** Secrets with a comma between them: the second is for the time in which senders change over. */
const secrets = list("").pipe(
  z.array(z.string().min(16, "each secret needs at least 16 characters")).max(2, "two at most: the one in use and its successor"),
);

/** YAML, most often through `TOCSIN_BRIDGE_SOURCES_FILE`. */
const sources = z
  .string()
  .default("")
  .transform((yaml, context): Mappings => {
    const read = readMappings(yaml);
    if (read.kind === "read") return read.mappings;
    for (const problem of read.problems) context.addIssue({ code: "custom", message: problem });
    return z.NEVER;
  });

export const BridgeConfig = z.object({
  /** Accepted as a bearer token, or as the password of basic authentication, on every webhook. */
  webhookTokens: secrets,
  /** Grafana's HMAC signature (Grafana 12 and later). */
  grafanaHmacSecrets: secrets,
  grafanaHmacHeader: z.string().default("x-grafana-alerting-signature"),
  /** The header that Grafana is told to send its timestamp in; without it nothing keeps an old delivery from being sent again. */
  grafanaHmacTimestampHeader: z.string().optional(),
  /** GitLab's secret token, as it comes in `X-Gitlab-Token`. */
  gitlabTokens: secrets,
  /** `group/project=service` with commas between: where a project is not called like its service. */
  gitlabServices: list("").transform((pairs, context) => {
    const services = new Map<string, string>();
    for (const pair of pairs) {
      const [path, service, ...more] = pair.split("=").map((part) => part.trim());
      if (path && service && more.length === 0) services.set(path, service);
      else context.addIssue({ code: "custom", message: `${pair} is no group/project=service` });
    }
    return services;
  }),
  /** Tiers of environments whose deployments are suspects. */
  gitlabTiers: list("production,other"),
  /** Standard Webhooks (`whsec_…`), on generic sources and GitLab's. */
  signingSecrets: secrets,
  signatureToleranceSeconds: z.coerce.number().positive().default(300),
  /** Labels whose values make the scope in which alerts are correlated. */
  scopeLabels: list("cluster,environment"),
  /** Labels that may name the service, the best first. */
  serviceLabels: list("service,service_name,app_kubernetes_io_name,app,application,deployment,workload,job"),
  severityLabels: list("severity,level,priority"),
  /** How to read generic sources. */
  sources,
  /** `refuse`: generic sources without a mapping are answered 403. */
  genericUnmapped: z.enum(["accept", "refuse"]).default("accept"),
  bodyLimitBytes: z.coerce
    .number()
    .int()
    .positive()
    .default(16 * 1024 * 1024),
  /** Deliveries a minute and source. */
  ratePerMinute: z.coerce.number().int().positive().default(120_000),
  /** For how long the twin of a transition is answered without being sent on again. 0 sends all on. */
  dedupeSeconds: z.coerce.number().min(0).default(120),
  /** `alertname`s of alerts that fire always: each time one is heard is noted, twins and re-sends too. */
  heartbeatNames: list("Watchdog,DeadMansSwitch"),
  publishTimeoutMs: z.coerce.number().int().positive().default(5_000),
  /** Deliveries that may be under way at once: beyond it, an early 503 is kinder than a late answer. */
  inFlightLimit: z.coerce.number().int().positive().default(2_000),
  /** Events that may wait for the bus before senders are told to come back. */
  inboxLimit: z.coerce.number().int().positive().default(200_000),
});
export type BridgeConfig = z.output<typeof BridgeConfig>;
