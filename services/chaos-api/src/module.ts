import { defineModule } from "@tocsin/host";
import * as z from "zod";
import { createDrills, WATCHED_TOPICS } from "./drills.ts";
import { labFaults } from "./lab-faults.ts";
import { drillRoutes } from "./routes.ts";

const ChaosApiConfig = z.object({
  labUrl: z.url().default("http://127.0.0.1:8081"),
});

export const chaosApi = defineModule({
  name: "chaos-api",
  config: ChaosApiConfig,
  needs: ["bus", "store", "http"],
  async start({ config, bus, store, http, log, registry, clock, onStop, onReady }) {
    const lab = labFaults(config.labUrl);
    const drills = createDrills({ sql: store.sql, lab, clock, log, registry });
    await http.mount("/api/v1", drillRoutes(drills, lab, store.sql));
    onReady(async () => {
      const stop = new AbortController();
      const watching = drills.watch(stop.signal);
      onStop("drill watch", () => {
        stop.abort();
        return watching;
      });
      // No inbox: an event only says that it is time to look, and looking twice finds the same.
      const subscription = await bus.subscribe({ group: "tocsin.chaos-api", topics: WATCHED_TOPICS, handle: () => drills.look() });
      onStop("drill subscription", () => subscription.stop());
    });
  },
});
