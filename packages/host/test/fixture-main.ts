import * as z from "zod";
import { defineModule } from "../src/module.ts";
import { runHost } from "../src/run-host.ts";

const fixture = defineModule({
  name: "fixture",
  config: z.object({ fail: z.stringbool().default(false) }),
  needs: ["http", "store"],
  async start({ config, onStop, onReady, fail }) {
    onStop("say so", () => process.stdout.write("fixture stopped\n"));
    onReady(async () => {
      if (config.fail) fail(new Error("the part broke"));
    });
  },
});

await runHost([fixture]);
