import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { access, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "./free-port.ts";
import { takePlace } from "./place.ts";
import { findProgram, lacks } from "./real.ts";
import { type Place, type RunningProcess, startProcess } from "./real-process.ts";

const run = promisify(execFile);

export const LOKI_VERSION = "v3.7.8";
const VERSION = LOKI_VERSION;
const MODULE = "github.com/grafana/loki/v3";
/** A build from an empty cache takes six minutes on two cores. */
const BUILD_TIMEOUT_MS = 1_500_000;

/**
 * Should a suite that needs Loki be skipped? Building it takes minutes, so without a build kept from before only a run that requires the
 * real servers (`TOCSIN_REQUIRE_REAL=1`) makes one.
 */
export function lacksLoki(): boolean {
  if (isLokiKept()) return false;
  if (process.env["TOCSIN_REQUIRE_REAL"] === "1") return lacks("go");
  process.stderr.write("skipped: needs Loki; TOCSIN_REQUIRE_REAL=1 builds it\n");
  return true;
}

/** Is a build there from before? */
export const isLokiKept = (): boolean => existsSync(join(keptIn(), "loki"));

const keptIn = (): string => join(homedir(), ".cache", "tocsin", `loki-${VERSION}`);

export interface RunningLoki {
  readonly url: string;
  readonly server: RunningProcess;
  /** Sends lines of one stream; times are Unix seconds, exact to the millisecond. */
  push(
    stream: Readonly<Record<string, string>>,
    lines: readonly (readonly [atSeconds: number, line: string])[],
    tenant?: string,
  ): Promise<void>;
  stop(): Promise<void>;
}

/**
 * The Loki program, built from its Go module the first time (six minutes) and kept under `~/.cache/tocsin`.
 *
 * Loki's `go.mod` replaces some of its dependencies, and a replacement counts in the main module only, so ours repeats them; `./pkg/push`
 * is a folder in Loki's repository and comes as the module of its own that it also is.
 */
export async function installLoki(): Promise<string> {
  const folder = keptIn();
  const program = join(folder, "loki");
  if (existsSync(program)) return program;
  const go = findProgram("go") ?? "go";
  await mkdir(join(folder, ".."), { recursive: true });
  const work = await mkdtemp(`${folder}-`);
  const call = (args: readonly string[]) => run(go, args, { cwd: work, timeout: BUILD_TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 });
  try {
    await writeFile(join(work, "go.mod"), "module tocsin.invalid/loki\n\ngo 1.26\n");
    const { GoMod } = JSON.parse((await call(["mod", "download", "-json", `${MODULE}@${VERSION}`])).stdout) as { GoMod: string };
    const { Replace, Require } = JSON.parse((await call(["mod", "edit", "-json", GoMod])).stdout) as GoModule;
    const replaced = (Replace ?? []).filter(({ New }) => !New.Path.startsWith("."));
    const lines = [
      "module tocsin.invalid/loki",
      "go 1.26",
      `tool ${MODULE}/cmd/loki`,
      `require ${MODULE} ${VERSION}`,
      ...Require.map(({ Path, Version }) => `require ${Path} ${Version} // indirect`),
      ...replaced.map(({ Old, New }) => `replace ${nameOf(Old)} => ${nameOf(New)}`),
    ];
    await writeFile(join(work, "go.mod"), `${lines.join("\n")}\n`);
    await call(["build", "-mod=mod", "-trimpath", "-o", join(work, "loki"), `${MODULE}/cmd/loki`]);
    // In one step, so that nobody sees half of it; when another process was quicker, its folder is as good.
    await rename(work, folder).catch(() => access(program));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return program;
}

interface GoModule {
  readonly Require: readonly GoVersion[];
  readonly Replace?: readonly { readonly Old: GoVersion; readonly New: GoVersion }[];
}
interface GoVersion {
  readonly Path: string;
  readonly Version?: string;
}

const nameOf = ({ Path, Version }: GoVersion): string => (Version ? `${Path} ${Version}` : Path);

/** @param multiTenant wants `X-Scope-OrgID` with every request */
export async function startLoki({
  multiTenant = false,
  place,
}: {
  readonly multiTenant?: boolean;
  readonly place?: Place;
} = {}): Promise<RunningLoki> {
  const program = await installLoki();
  const { folder, port, printing, leave } = await takePlace("loki", place);
  const grpcPort = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const config = join(folder, "loki.yml");
  // JSON is YAML.
  await writeFile(config, JSON.stringify(configOf(folder, port, grpcPort, multiTenant)));
  const ready = async () => (await fetch(`${url}/ready`)).status === 200;
  const server = await startProcess(program, [`-config.file=${config}`], ready, { timeoutMs: 90_000, cwd: folder, ...printing });
  return {
    url,
    server,
    async push(stream, lines, tenant) {
      const values = lines.map(([atSeconds, line]) => [`${Math.round(atSeconds * 1_000)}000000`, line]);
      const response = await fetch(`${url}/loki/api/v1/push`, {
        method: "POST",
        headers: { "content-type": "application/json", ...(tenant === undefined ? {} : { "x-scope-orgid": tenant }) },
        body: JSON.stringify({ streams: [{ stream, values }] }),
      });
      if (!response.ok) throw new Error(`Loki answered ${response.status} to a push: ${await response.text()}`);
    },
    async stop() {
      await server.stop();
      await leave();
    },
  };
}

function configOf(folder: string, port: number, grpcPort: number, multiTenant: boolean): object {
  return {
    auth_enabled: multiTenant,
    analytics: { reporting_enabled: false },
    server: {
      http_listen_address: "127.0.0.1",
      http_listen_port: port,
      grpc_listen_address: "127.0.0.1",
      grpc_listen_port: grpcPort,
      log_level: "warn",
    },
    common: {
      instance_addr: "127.0.0.1",
      path_prefix: join(folder, "data"),
      replication_factor: 1,
      ring: { instance_addr: "127.0.0.1", kvstore: { store: "inmemory" } },
      storage: { filesystem: { chunks_directory: join(folder, "chunks"), rules_directory: join(folder, "rules") } },
    },
    // Ready as soon as it is, not after the fifteen seconds that a ring of many would need.
    ingester: { lifecycler: { min_ready_duration: "0s" } },
    schema_config: {
      configs: [
        { from: "2024-01-01", store: "tsdb", object_store: "filesystem", schema: "v13", index: { prefix: "index_", period: "24h" } },
      ],
    },
  };
}
