import type { Logger, OnStop } from "@tocsin/runtime";
import { fastify } from "fastify";
import { portTaken } from "./errors.ts";
import { faultControl } from "./supervisor/fault-control.ts";
import { createFleet } from "./supervisor/fleet.ts";
import { labApi } from "./supervisor/lab-api.ts";

export interface LabOptions {
  readonly log: Logger;
  readonly onStop: OnStop;
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Requests a second at the storefront; 0 starts no load. */
  readonly requestsPerSecond: number;
  readonly seed: number;
  /** Where the services send their spans; default nowhere. */
  readonly otlpEndpoint?: string | undefined;
  /** Which services to run; default all. */
  readonly services?: readonly string[];
}

/**
 * Starts the lab: its API first (so that a taken port starts no process), then the services and their load.
 *
 * @returns the base address of its API
 * @throws AppError `LAB_PORT_TAKEN`
 */
export async function startLab(options: LabOptions): Promise<{ readonly address: string }> {
  const { log, onStop, host } = options;
  const server = fastify({ bodyLimit: 65_536, forceCloseConnections: true });
  const fleet = createFleet(options);
  const faults = faultControl(fleet, log);
  onStop("lab faults", () => faults.stop());
  labApi(server, fleet, faults);
  onStop("lab api", () => server.close());
  const address = await server.listen({ host, port: options.port }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "EADDRINUSE" ? portTaken(host, options.port, error) : error;
  });
  await fleet.start();
  log.info({ address, services: fleet.names }, "lab ready");
  return { address };
}
