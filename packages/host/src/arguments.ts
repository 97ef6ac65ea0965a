import { parseArgs } from "node:util";
import { AppError } from "@tocsin/runtime";

export interface HostArguments {
  readonly action: "run" | "help" | "check-config" | "print-config" | "list-modules";
}

/** @throws AppError `HOST_ARGUMENT_UNKNOWN` */
export function readArguments(argv: readonly string[]): HostArguments {
  const flags = {
    help: { type: "boolean", short: "h" },
    "check-config": { type: "boolean" },
    "print-config": { type: "boolean" },
    "list-modules": { type: "boolean" },
  } as const;
  try {
    const { values } = parseArgs({ args: [...argv], options: flags, allowPositionals: false });
    if (values.help) return { action: "help" };
    if (values["check-config"]) return { action: "check-config" };
    if (values["print-config"]) return { action: "print-config" };
    if (values["list-modules"]) return { action: "list-modules" };
    return { action: "run" };
  } catch (error) {
    throw new AppError("HOST_ARGUMENT_UNKNOWN", `${(error as Error).message.split(". ")[0]}; --help shows what there is`, { cause: error });
  }
}

export const helpText = (modules: readonly string[]): string => `Tocsin: from alert to verified fix.

Usage: npm start -- [option]
  --help           this text
  --check-config   checks the configuration, says every problem at once, and exits (0 good, 2 wrong)
  --print-config   prints the effective configuration as JSON, secrets taken out
  --list-modules   prints the modules of this program

Settings are environment variables; the ones most asked for:
  TOCSIN_PORT          8080                    where console, API and webhooks listen
  TOCSIN_HOST          127.0.0.1               another address needs TOCSIN_API_TOKEN
  TOCSIN_STORE_URL     embedded:./.data/store  or postgres://user:password@host/database
  TOCSIN_BUS_URL       embedded:               or kafka://host:9092
  TOCSIN_CACHE_URL     memory:                 or redis://host:6379
  TOCSIN_METRICS_URL   embedded:               or http://prometheus:9090
  TOCSIN_LOGS_URL      embedded:               or http://loki:3100
  TOCSIN_TRACES_URL    embedded:               or http://tempo:3200
  TOCSIN_TARGETS_URL   lab:                    or docker:///var/run/docker.sock, or none:
  TOCSIN_MODULES       all                     or names: ${modules.join(",")}
  TOCSIN_LOG_LEVEL     info                    debug, info, warn, error
Every variable NAME can also be given as NAME_FILE, the path of a file that holds the value.
`;
