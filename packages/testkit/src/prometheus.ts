import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { takePlace } from "./place.ts";
import { findProgram } from "./real.ts";
import { type Place, type RunningProcess, startProcess } from "./real-process.ts";

const run = promisify(execFile);

/** The programs it takes, for `lacks(...)`. */
export const PROMETHEUS_PROGRAMS = ["prometheus", "promtool"] as const;

export interface ScrapeJob {
  readonly job: string;
  /** `host:port`, for a fixed list; or … */
  readonly targets?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  /** … an address that answers with HTTP SD. */
  readonly httpSdUrl?: string;
  /** Default `/metrics`. */
  readonly metricsPath?: string;
}

export interface PrometheusOptions {
  readonly jobs?: readonly ScrapeJob[];
  /** Scrape and rule evaluation interval. Default `1s`. */
  readonly interval?: string;
  readonly ruleFiles?: readonly string[];
  /** `host:port` of Alertmanagers. */
  readonly alertmanagers?: readonly string[];
  /** OpenMetrics text with timestamps, in the store before the server starts. */
  readonly history?: string;
  readonly place?: Place;
}

export interface RunningPrometheus {
  readonly url: string;
  readonly server: RunningProcess;
  /** What it printed last. */
  readonly output: () => string;
  stop(): Promise<void>;
}

/** A real Prometheus on a free port of 127.0.0.1 with data of its own. */
export async function startPrometheus(options: PrometheusOptions = {}): Promise<RunningPrometheus> {
  const { folder, port, printing, leave } = await takePlace("prometheus", options.place);
  const data = join(folder, "data");
  const url = `http://127.0.0.1:${port}`;
  // JSON is YAML.
  const config = join(folder, "prometheus.yml");
  await writeFile(config, JSON.stringify(configOf(options)));
  if (options.history !== undefined) {
    const history = join(folder, "history.om");
    await writeFile(history, options.history);
    await run(findProgram("promtool") ?? "promtool", ["tsdb", "create-blocks-from", "openmetrics", history, data]);
  }
  const args = [`--config.file=${config}`, `--storage.tsdb.path=${data}`, `--web.listen-address=127.0.0.1:${port}`];
  const server = await startProcess(
    "prometheus",
    [...args, "--storage.tsdb.retention.time=10y", "--web.enable-lifecycle", "--rules.alert.resend-delay=5s"],
    async () => (await fetch(`${url}/-/ready`)).status === 200,
    printing,
  );
  return {
    url,
    server,
    output: server.output,
    async stop() {
      await server.stop();
      await leave();
    },
  };
}

function configOf({ jobs = [], interval = "1s", ruleFiles = [], alertmanagers = [] }: PrometheusOptions): object {
  return {
    global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
    rule_files: ruleFiles,
    ...(alertmanagers.length > 0 ? { alerting: { alertmanagers: [{ static_configs: [{ targets: alertmanagers }] }] } } : {}),
    scrape_configs: jobs.map(({ job, targets, labels = {}, httpSdUrl, metricsPath = "/metrics" }) => ({
      job_name: job,
      metrics_path: metricsPath,
      ...(targets ? { static_configs: [{ targets, labels }] } : {}),
      ...(httpSdUrl === undefined ? {} : { http_sd_configs: [{ url: httpSdUrl, refresh_interval: interval }] }),
    })),
  };
}
