import { defineModule } from "@tocsin/host";
import * as z from "zod";
import { createDrills, WATCHED_TOPICS } from "./drills.ts";
import { labFaults } from "./lab-faults.ts";
import { drillRoutes } from "./routes.ts";

export const chaosApi = defineModule({
  name: "chaos-api",
  config: z.object({}),
  needs: ["bus", "store", "http"],
  // Without the lab there is nothing to break.
  when: (host) => host.targetsUrl.startsWith("lab:"),
  async start({ labUrl, bus, store, http, log, registry, clock, onStop, onReady }) {
    const lab = labFaults(labUrl);
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
