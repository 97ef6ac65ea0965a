import { parseArgs } from "node:util";
import { FLEET, type FleetService } from "./fleet-map.ts";

/** What a service is told at its start, all on the command line. */
export interface ServiceOptions {
  readonly service: FleetService;
  readonly version: string;
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly adminPort: number;
  /** Base addresses of the services it calls; a supervisor sends later ones as they change. */
  readonly peers: ReadonlyMap<string, string>;
  /** Where its backend is, as configured. Anything but `<scheme>://<host>` cannot be connected to and ends the process. */
  readonly backendUrl: string;
  /** Share of requests that the handler of this build fails, 0 to 1: what a bad release carries. */
  readonly defectRatio: number;
  /** Connections that its pool has. */
  readonly poolSize: number;
  readonly seed: number;
}

/**
 * @param argv e.g. `["--name", "payments", "--port", "8080", "--peer", "inventory=http://inventory:8080"]`
 * @throws Error that names the argument
 */
export function serviceOptions(argv: readonly string[]): ServiceOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      name: { type: "string" },
      version: { type: "string" },
      host: { type: "string", default: "127.0.0.1" },
      port: { type: "string", default: "0" },
      "admin-port": { type: "string", default: "0" },
      peer: { type: "string", multiple: true, default: [] },
      "backend-url": { type: "string", default: "tcp://backend" },
      "defect-ratio": { type: "string", default: "0" },
      "pool-size": { type: "string", default: "10" },
      seed: { type: "string", default: "1" },
    },
  });
  const service = FLEET.find((candidate) => candidate.name === values.name);
  if (!service) throw new Error(`--name is ${values.name ?? "absent"}; known: ${FLEET.map((known) => known.name).join(", ")}`);
  const peers = values.peer.map((pair): [string, string] => {
    const at = pair.indexOf("=");
    if (at < 1) throw new Error(`--peer ${pair} is not <name>=<address>`);
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  return {
    service,
    version: values.version ?? service.versions[1],
    host: values.host,
    port: numeric("--port", values.port, 65_535),
    adminPort: numeric("--admin-port", values["admin-port"], 65_535),
    peers: new Map(peers),
    backendUrl: values["backend-url"],
    defectRatio: numeric("--defect-ratio", values["defect-ratio"], 1),
    poolSize: Math.max(1, Math.round(numeric("--pool-size", values["pool-size"], 1_000))),
    seed: numeric("--seed", values.seed, 2 ** 32),
  };
}

function numeric(name: string, text: string, max: number): number {
  const value = Number(text);
  if (!(value >= 0 && value <= max)) throw new Error(`${name} ${text} is not a number from 0 to ${max}`);
  return value;
}
