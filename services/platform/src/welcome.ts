import { resolve } from "node:path";
import type { RunningHost } from "@tocsin/host";

/** Pure but for the working directory: where the console is, what to try first, where the data lies. */
export function welcome({ address, config }: Pick<RunningHost, "address" | "config">): string {
  const { storeUrl, targetsUrl, logFile } = config.host;
  const data = storeUrl.startsWith("embedded:") ? resolve(storeUrl.slice("embedded:".length)) : "Postgres";
  const hasLab = targetsUrl.startsWith("lab:");
  return [
    "",
    `  Tocsin is ready: ${address}`,
    "",
    "  Three things to try:",
    `    1. Open ${address} and watch: every thought and every action appears there live.`,
    hasLab
      ? `    2. Break something: press "Start a drill" there, or
       curl -X POST ${address}/api/v1/drills -H 'content-type: application/json' -d '{"fault":"memory-leak","target":"payments"}'`
      : `    2. Let Alertmanager or Grafana post to ${address}/webhooks/alertmanager or ${address}/webhooks/grafana.`,
    `    3. Read what became of every alert: ${address}/api/v1/alerts`,
    "",
    `  Data: ${data}${logFile === undefined ? "" : `   Log: ${resolve(logFile)}`}   Stop: Ctrl-C`,
    "",
    "",
  ].join("\n");
}
