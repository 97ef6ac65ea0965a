import { fileURLToPath } from "node:url";
import { defineModule } from "@tocsin/host";
import * as z from "zod";
import { startLab } from "./lab.ts";
import { httpPost } from "./ruler/notifier.ts";
import { readRules } from "./ruler/rule-file.ts";
import { createRuler } from "./ruler/ruler.ts";

const RULES = fileURLToPath(new URL("../../../deploy/prometheus/rules/lab.yml", import.meta.url));

const LabConfig = z.object({
  host: z.string().min(1).default("127.0.0.1"),
  port: z.coerce.number().int().min(0).max(65_535).default(8081),
  /** Visits a second; each makes about two calls inside the shop. 0 runs no load. */
  requestsPerSecond: z.coerce.number().min(0).max(200).default(20),
  seed: z.coerce.number().int().min(0).default(1),
  /** `on` evaluates the rules here and posts to `webhookUrl`; `off` leaves both to a Prometheus and an Alertmanager. */
  ruler: z.enum(["on", "off"]).default("on"),
  rulesFile: z.string().min(1).default(RULES),
  /** Where the services send their spans over OTLP/HTTP, e.g. `http://localhost:4318`. Default: nowhere. */
  otlpEndpoint: z.url().optional(),
  /** Where alerts go. Default: the bridge of this process. */
  webhookUrl: z.url().optional(),
});

export const lab = defineModule({
  name: "lab",
  config: LabConfig,
  needs: ["signals", "http"],
  when: (host) => host.targetsUrl.startsWith("lab:"),
  async start({ config, signals, http, log, registry, clock, onStop, onReady }) {
    const groups = config.ruler === "on" ? readRules(config.rulesFile) : [];
    const { address } = await startLab({ ...config, log, onStop });
    if (groups.length === 0) return;
    onReady(async () => {
      const stop = new AbortController();
      const post = httpPost(config.webhookUrl ?? `${http.address}/webhooks/alertmanager`, stop.signal);
      const ruler = createRuler({ groups, metrics: signals.metrics, post, externalUrl: address, clock, log, registry });
      const running = ruler.run(stop.signal);
      onStop("lab ruler", () => {
        stop.abort();
        return running;
      });
    });
  },
});
