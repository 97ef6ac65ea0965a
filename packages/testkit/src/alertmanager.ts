import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { startProcess } from "./real-process.ts";

/** The program it takes, for `lacks(...)`. */
export const ALERTMANAGER_PROGRAMS = ["prometheus-alertmanager"] as const;

export interface RunningAlertmanager {
  readonly url: string;
  /** `host:port`, as Prometheus wants it. */
  readonly address: string;
  stop(): Promise<void>;
}

/** A real Alertmanager on a free port of 127.0.0.1, alone in its cluster. @param config YAML */
export async function startAlertmanager(config: string): Promise<RunningAlertmanager> {
  const folder = await mkdtemp(join(tmpdir(), "tocsin-alertmanager-"));
  await writeFile(join(folder, "alertmanager.yml"), config);
  const address = `127.0.0.1:${await freePort()}`;
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
  );
  return {
    url,
    address,
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
