import { defineModule } from "@tocsin/host";
import * as z from "zod";
import { openLiveStream } from "./live-stream.ts";
import { BUNDLE_FOLDER, pageRoutes } from "./pages.ts";
import { automationRoutes } from "./routes/automation.ts";
import { decisionRoutes } from "./routes/decisions.ts";
import { estateRoutes } from "./routes/estate.ts";
import { incidentRoutes } from "./routes/incidents.ts";
import { runbookRoutes } from "./routes/runbooks.ts";
import { streamRoutes } from "./routes/stream.ts";

const ConsoleConfig = z.object({
  /** The runbook library, as executor and sre-agent read it. */
  runbooksDir: z.string().default("runbooks"),
});

export const consoleModule = defineModule({
  name: "console",
  config: ConsoleConfig,
  needs: ["store", "http", "signals", "targets"],
  async start({ config, store, http, signals, targets, clock, log, onStop }) {
    const { sql } = store;
    const live = await openLiveStream(sql, log);
    onStop("live stream", () => live.stop());
    await http.mount("/api/v1", incidentRoutes(sql));
    await http.mount("/api/v1", streamRoutes(live, sql));
    await http.mount("/api/v1", decisionRoutes(sql, clock));
    await http.mount("/api/v1", automationRoutes(sql, clock));
    await http.mount("/api/v1", estateRoutes({ sql, signals, targets }));
    await http.mount("/api/v1", runbookRoutes(config.runbooksDir));
    await http.mount("", pageRoutes(BUNDLE_FOLDER));
  },
});
