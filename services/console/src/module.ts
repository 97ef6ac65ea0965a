import { readFileSync } from "node:fs";
import { defineModule } from "@tocsin/host";
import { Gauge } from "prom-client";
import * as z from "zod";
import { apiRoutes } from "./api.ts";
import { keepDeadLetters } from "./dead-letters.ts";
import { checkUpstream, describeForwarded, forwardRoutes } from "./forward.ts";
import { UpstreamsText, upstreamEntries } from "./forward-table.ts";
import { openLiveStream } from "./live-stream.ts";
import { BUNDLE_FOLDER, pageRoutes } from "./pages.ts";

const ConsoleConfig = z.object({
  /** The runbook library, as executor and sre-agent read it. */
  runbooksDir: z.string().default("runbooks"),
  /** Where the other services answer, when they are processes of their own: `bridge=http://a:8080|http://b:8080,correlator=…`. */
  upstreams: UpstreamsText,
});

export const consoleModule = defineModule({
  name: "console",
  config: ConsoleConfig,
  needs: ["bus", "store", "http", "signals", "targets"],
  async start({ config, bus, store, http, signals, targets, clock, log, registry, effectiveConfig, onStop }) {
    const live = await openLiveStream(store.sql, log);
    onStop("live stream", () => live.stop());
    new Gauge({
      name: "tocsin_console_streams",
      help: "Live streams that are open.",
      registers: [registry],
      collect() {
        this.set(live.subscribers);
      },
    });
    const letters = await keepDeadLetters(bus, store.sql);
    onStop("dead letters", () => letters.stop());
    const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
    const deps = { store, bus, signals, targets, live, clock, runbooksDir: config.runbooksDir, effectiveConfig, version };
    await http.mount("/api/v1", apiRoutes(deps));
    const { upstreams } = config;
    const forwarded = upstreamEntries(upstreams);
    if (forwarded.length > 0) {
      await http.mount("", forwardRoutes({ upstreams, clock, log }));
      for (const [service, origins] of forwarded) http.addCheck(service, () => checkUpstream(origins), { required: false });
      describeForwarded(http.fastify, upstreams);
    }
    await http.mount("", pageRoutes(BUNDLE_FOLDER));
  },
});
