import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { PARTS, type PartName } from "../parts.ts";
import { ROOT, SERVICES, type ServiceName } from "../services.ts";
import { DEFAULT_PARTS } from "../start-stack.ts";

export const HELP = `Starts the real parts and every service of Tocsin as its own process, without containers.

Usage: npm run stack -- up|down|status [options]
  up       starts what is not running, shows progress, prints the console's address, and leaves it running
  status   every part and service with version, address, pid and health; exit code 0 when all are well, 1 otherwise
  down     ends everything and leaves no process behind, also when what started it has crashed

Options
  --folder DIR         data, logs and state                      default .data/stack
  --help               this text
for up
  --replicas LIST      correlator=2,sre-agent=2; 0 leaves one out  default 1 of each
  --with LIST          further parts: loki, docker               (Loki is built from its Go module the first time: minutes;
                                                                 with it, logs are shipped there and asked of it)
  --without LIST       parts not to start: ${DEFAULT_PARTS.join(", ")}
  --targets lab|docker what may be acted on                      default lab; docker starts no lab and wants --with docker
  --port N             where the console listens                 default 8080, or a free port when that is taken
for status
  --json               one JSON document
for down
  --purge              removes the data folder as well

A part of your own: set TOCSIN_STORE_URL, TOCSIN_BUS_URL, TOCSIN_CACHE_URL, TOCSIN_METRICS_URL or TOCSIN_LOGS_URL, and ours is not started.
Other TOCSIN_* settings reach every service.
Without Kafka the bus is a table in Postgres; without Redis each process remembers for itself; without Prometheus or Alertmanager the lab
evaluates the rules and posts; Postgres, ours or yours, it takes in any case.
`;

export interface StackCommand {
  readonly action: "up" | "down" | "status" | "help";
  readonly folder: string;
  readonly parts: readonly PartName[];
  readonly replicas: Readonly<Partial<Record<ServiceName, number>>>;
  readonly targets: "lab" | "docker";
  readonly port: number | undefined;
  readonly json: boolean;
  readonly purge: boolean;
}

/** @throws Error in one line that says what is wrong and what is known */
export function readCommand(argv: readonly string[]): StackCommand {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      help: { type: "boolean", short: "h" },
      folder: { type: "string" },
      replicas: { type: "string" },
      with: { type: "string" },
      without: { type: "string" },
      targets: { type: "string" },
      port: { type: "string" },
      json: { type: "boolean" },
      purge: { type: "boolean" },
    },
  });
  const [action, ...more] = positionals;
  const isAction = action === "up" || action === "down" || action === "status";
  if (values.help !== true && (!isAction || more.length > 0))
    throw new Error(`say up, down or status${positionals.length > 0 ? `, not "${positionals.join(" ")}"` : ""}; --help shows more`);
  const targets = values.targets ?? "lab";
  if (targets !== "lab" && targets !== "docker") throw new Error(`--targets is lab or docker, not "${targets}"`);
  const [more_, less] = [partsIn("--with", values.with), partsIn("--without", values.without)];
  const replicas = replicasIn(values.replicas);
  return {
    action: values.help === true ? "help" : (action as "up" | "down" | "status"),
    folder: resolve(ROOT, values.folder ?? ".data/stack"),
    parts: PARTS.filter((name) => (DEFAULT_PARTS.includes(name) || more_.includes(name)) && !less.includes(name)),
    replicas: targets === "docker" ? { lab: 0, "chaos-api": 0, ...replicas } : replicas,
    targets,
    port: values.port === undefined ? undefined : numberIn("--port", values.port, 65_535),
    json: values.json ?? false,
    purge: values.purge ?? false,
  };
}

const listIn = (text: string | undefined): string[] => (text ?? "").split(",").flatMap((item) => item.trim() || []);

function partsIn(option: string, text: string | undefined): PartName[] {
  return listIn(text).map((name) => {
    if (!(PARTS as readonly string[]).includes(name)) throw new Error(`${option} names "${name}"; known parts: ${PARTS.join(", ")}`);
    return name as PartName;
  });
}

function replicasIn(text: string | undefined): Partial<Record<ServiceName, number>> {
  return Object.fromEntries(
    listIn(text).map((item) => {
      const [name = "", count = ""] = item.split("=");
      if (!(SERVICES as readonly string[]).includes(name))
        throw new Error(`--replicas names "${name}"; known services: ${SERVICES.join(", ")}`);
      return [name, numberIn(`--replicas ${name}`, count, name === "lab" || name === "console" ? 1 : 20)];
    }),
  );
}

function numberIn(option: string, text: string, most: number): number {
  if (/^\d+$/.test(text) && Number(text) <= most) return Number(text);
  throw new Error(`${option} is a number from 0 to ${most}, not "${text}"`);
}
