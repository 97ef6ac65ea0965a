import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { takePlace } from "./place.ts";
import { type Place, type RunningProcess, startProcess } from "./real-process.ts";

/** The program it takes, for `lacks(...)`. */
export const ALERTMANAGER_PROGRAMS = ["prometheus-alertmanager"] as const;

export interface RunningAlertmanager {
  readonly url: string;
  /** `host:port`, as Prometheus wants it. */
  readonly address: string;
  readonly server: RunningProcess;
  stop(): Promise<void>;
}

/** A real Alertmanager on a free port of 127.0.0.1, alone in its cluster. @param config YAML */
export async function startAlertmanager(config: string, place?: Place): Promise<RunningAlertmanager> {
  const { folder, port, printing, leave } = await takePlace("alertmanager", place);
  await writeFile(join(folder, "alertmanager.yml"), config);
  const address = `127.0.0.1:${port}`;
  const url = `http://${address}`;
  const server = await startProcess(
    "prometheus-alertmanager",
    [
      `--config.file=${folder}/alertmanager.yml`,
      `--storage.path=${folder}/data`,
      `--web.listen-address=${address}`,
      "--cluster.listen-address=",
    ],
    async () => (await fetch(`${url}/-/ready`)).ok,
    printing,
  );
  return {
    url,
    address,
    server,
    async stop() {
      await server.stop();
      await leave();
    },
  };
}
