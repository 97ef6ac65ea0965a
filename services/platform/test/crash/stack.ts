// The whole product as separate processes on real engines, with everything around it that a test can look at afterwards.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { eventually, type Gitlab, type RunningPrometheus, startGitlab, startPrometheus } from "@tocsin/testkit";
import { type Fleet, startFleet } from "./fleet.ts";
import { createLoad, type Load } from "./load.ts";
import { oneAddress } from "./one-address.ts";
import { type Parts, startParts } from "./parts.ts";
import type { Chance } from "./random.ts";
import { readStream, type StreamReader } from "./stream-reader.ts";
import { ROOT, type Supervised, supervise } from "./supervised.ts";

/** Every service of the product but the lab, which is what is watched rather than what watches. */
export const SERVICES = ["bridge", "correlator", "sre-agent", "executor", "gitlab-sync", "chaos-api", "console"] as const;
export type ServiceName = (typeof SERVICES)[number];

const DIE_AT = new URL("die-at.ts", import.meta.url).href;

/** Secrets that have their place in a request's header and nowhere else. */
const WEBHOOK_TOKEN = "canary-webhook-token-5b1f";
const GITLAB_TOKEN = "canary-gitlab-token-77ac";

/** Restarts a node that does not answer: not repeatable, verified within seconds. */
const RUNBOOK = `---
id: node-restart
title: Restart a node that does not answer
matches:
  alerts:
    - alertname: InstanceDown
  causes: [hang, crash]
parameters:
  service:
    type: name
    pattern: ^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$
    origin: cause.service
risk: low
autonomy: L3
tags: [mitigation]
---

A node that answers nothing has nothing to lose.

\`\`\`yaml step
id: restart
verb: target.restart
with: { target: "{{service}}" }
undo: none-required
timeout: 20s
verify:
  soak: 1s
  within: 40s
  checks:
    - { signal: up, op: "==", value: 1 }
\`\`\`
`;

/** A load on purpose, with failures on purpose: limits that are there for accidents would only end the test early. */
const POLICY = {
  environments: {
    lab: {
      autonomy: "L3",
      limits: {
        cooldownSeconds: [1],
        perServicePerHour: 10_000,
        globalPerHour: 100_000,
        globalAtOnce: 20,
        stormIncidents: 1_000_000,
        breakerFailures: 1_000,
        breakerOffFailures: 2_000,
        demoteAfterRegressions: 0,
        demoteAfterFailures: 0,
        maxBurnRate: 1e9,
      },
    },
  },
};

export interface StackOptions {
  /** Default 24. */
  readonly nodes?: number;
  /** Copies of each service; what is not named runs once, what is 0 does not run. With more than one they are named `<service>-<n>`. */
  readonly replicas?: Partial<Readonly<Record<ServiceName, number>>>;
  /** Settings of one copy besides those of all. */
  readonly envOf?: (name: string, metricsUrl: string) => Promise<Readonly<Record<string, string>>>;
}

export interface Stack {
  readonly parts: Parts;
  /** By name. */
  readonly services: ReadonlyMap<string, Supervised>;
  service(name: string): Supervised;
  readonly fleet: Fleet;
  readonly gitlab: Gitlab;
  readonly load: Load;
  readonly stream: StreamReader | undefined;
  /** What the bridges take as a bearer token. */
  readonly token: string;
  /** The one address of all bridges. */
  readonly doorUrl: string;
  /** Where failpoints are armed: see `die-at.ts`. */
  readonly failpointFolder: string;
  readonly canaries: readonly string[];
  readonly logFiles: readonly string[];
  /** Resolves when what measures the fleet has seen a node down for a while: an alert comes after what it tells of. */
  untilSeenDown(node: string): Promise<void>;
  /** Breaks nodes of the fleet one after the other and tells of each, as a monitoring system would, until stopped. */
  breakNodes(everyMs: number): { stop(): Promise<void> };
  stop(): Promise<void>;
}

export async function startStack(name: string, chance: Chance, options: StackOptions = {}): Promise<Stack> {
  const { nodes = 24, replicas = {}, envOf = async () => ({}) } = options;
  const undo: (() => unknown)[] = [];
  const logFolder = join(ROOT, ".artifacts", name);
  rmSync(logFolder, { recursive: true, force: true });
  mkdirSync(logFolder, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), "tocsin-crash-"));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "runbooks"));
  writeFileSync(join(folder, "runbooks", "node-restart.md"), RUNBOOK);
  writeFileSync(join(folder, "policy.json"), JSON.stringify(POLICY));
  const stop = async () => {
    for (const step of undo.reverse()) await step();
  };
  try {
    const fleet = await startFleet(nodes);
    undo.push(() => fleet.close());
    const gitlab = await startGitlab({ token: GITLAB_TOKEN });
    undo.push(() => gitlab.close());
    const [parts, prometheus] = await Promise.all([startParts(true), watchFleet(fleet)]);
    undo.push(
      () => prometheus.stop(),
      () => parts.stop(),
    );
    const runbooks = join(folder, "runbooks");
    const env = {
      ...parts.env,
      TOCSIN_METRICS_URL: prometheus.url,
      TOCSIN_FAILPOINT_DIR: folder,
      TOCSIN_TARGETS_URL: "lab:",
      TOCSIN_LAB_URL: fleet.url,
      TOCSIN_BRIDGE_WEBHOOK_TOKENS: WEBHOOK_TOKEN,
      TOCSIN_BRIDGE_PUBLISH_TIMEOUT_MS: "2000",
      TOCSIN_SRE_AGENT_RUNBOOKS_DIR: runbooks,
      TOCSIN_EXECUTOR_RUNBOOKS_DIR: runbooks,
      TOCSIN_CONSOLE_RUNBOOKS_DIR: runbooks,
      TOCSIN_EXECUTOR_POLICY_FILE: join(folder, "policy.json"),
      TOCSIN_EXECUTOR_VERIFY_INTERVAL_MS: "500",
      TOCSIN_EXECUTOR_CONCURRENCY: "6",
      // Nodes depend on nothing: one that is down at the same time is no suspect of another's trouble.
      TOCSIN_SRE_AGENT_MAX_SERVICES: "1",
      TOCSIN_SRE_AGENT_SETTLE_SECONDS: "1",
      TOCSIN_SRE_AGENT_SOAK_SECONDS: "1",
      TOCSIN_SRE_AGENT_CLOSE_AFTER_SECONDS: "1",
      TOCSIN_SRE_AGENT_VERIFY_EVERY_SECONDS: "1",
      TOCSIN_SRE_AGENT_VERIFY_WITHIN_SECONDS: "60",
      TOCSIN_GITLAB_SYNC_URL: gitlab.url,
      TOCSIN_GITLAB_SYNC_TOKEN: gitlab.token,
      TOCSIN_GITLAB_SYNC_PROJECT: gitlab.projectPath,
      TOCSIN_GITLAB_SYNC_COALESCE_SECONDS: "1",
      TOCSIN_GITLAB_SYNC_SWEEP_SECONDS: "10",
    };
    const services = new Map<string, Supervised>();
    for (const service of SERVICES) {
      const count = replicas[service] ?? 1;
      for (let n = 1; n <= count; n++) {
        const copy = count === 1 ? service : `${service}-${n}`;
        // A copy's own address of the fleet tells the fleet who asks.
        const own = { TOCSIN_FAILPOINT_NAME: copy, TOCSIN_LAB_URL: `${fleet.url}/as/${copy}`, ...(await envOf(copy, prometheus.url)) };
        const started = await supervise({ service, name: copy, env: { ...env, ...own }, logFolder, nodeOptions: ["--import", DIE_AT] });
        undo.push(() => started.stop("SIGKILL"));
        services.set(copy, started);
      }
    }
    await Promise.all([...services.values()].map((service) => service.untilReady()));
    const service = (wanted: string): Supervised => {
      const found = services.get(wanted);
      if (!found) throw new Error(`there is no ${wanted} among ${[...services.keys()].join(", ")}`);
      return found;
    };
    const bridges = [...services.values()].filter((each) => each.name.startsWith("bridge"));
    const door = await oneAddress(bridges.map(({ address }) => address));
    undo.push(() => door.close());
    const load = createLoad([door.url], WEBHOOK_TOKEN, chance);
    const consoleService = services.get("console");
    const stream = consoleService && readStream(`${consoleService.address}/api/v1/stream`);
    undo.push(() => stream?.stop());
    return {
      parts,
      services,
      service,
      fleet,
      gitlab,
      load,
      stream,
      token: WEBHOOK_TOKEN,
      doorUrl: door.url,
      failpointFolder: folder,
      canaries: [WEBHOOK_TOKEN, GITLAB_TOKEN],
      logFiles: [...services.values()].map(({ logFile }) => logFile),
      untilSeenDown: (node) => untilSeenDown(prometheus.url, node),
      breakNodes: (everyMs) => breakNodes(fleet, load, chance, prometheus.url, everyMs),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const watchFleet = (fleet: Fleet): Promise<RunningPrometheus> =>
  startPrometheus({
    jobs: [{ job: "lab", httpSdUrl: `${fleet.url}/v1/scrape-targets` }],
    history: fleet.history(Date.now()),
    interval: "1s",
  });

async function untilSeenDown(prometheusUrl: string, node: string): Promise<void> {
  const query = encodeURIComponent(`max_over_time(up{service="${node}"}[9s])`);
  await eventually(
    `${node} is seen down`,
    async () => {
      const answer = await fetch(`${prometheusUrl}/api/v1/query?query=${query}`);
      const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
      return data.result[0]?.value[1] === "0" ? true : undefined;
    },
    60_000,
  );
}

/** How long a node may stay broken before somebody mends it by hand. */
const MENDED_BY_HAND_MS = 45_000;

function breakNodes(fleet: Fleet, load: Load, chance: Chance, prometheusUrl: string, everyMs: number): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const busy = new Set<string>();
  const stories = new Set<Promise<void>>();

  async function story(name: string): Promise<void> {
    busy.add(name);
    const startsAt = Date.now();
    const labels = {
      alertname: "InstanceDown",
      service: name,
      cluster: `fleet-${name}`,
      severity: "critical",
      // Each breakdown is an alert of its own, so that it can be told from the one before.
      probe: `down-${name}-${startsAt}`,
    };
    fleet.break(name);
    // On a machine too busy to measure, the alert comes all the same.
    await untilSeenDown(prometheusUrl, name).catch(() => {});
    await load.send(labels, "firing", startsAt);
    const byHand = Date.now() + MENDED_BY_HAND_MS;
    while (fleet.isBroken(name) && Date.now() < byHand && !stopping.signal.aborted) await delay(200);
    fleet.heal(name);
    await load.send(labels, "resolved", startsAt);
    // What comes of it may take a while; a node that breaks again within it would be another story's evidence.
    await delay(10_000, undefined, { signal: stopping.signal }).catch(() => {});
    busy.delete(name);
  }

  const loop = (async () => {
    while (!stopping.signal.aborted) {
      const idle = fleet.names.filter((name) => !busy.has(name));
      if (idle.length > 0) {
        const told: Promise<void> = story(chance.pick(idle)).finally(() => stories.delete(told));
        stories.add(told);
      }
      await delay(everyMs * chance.between(0.5, 1.5), undefined, { signal: stopping.signal }).catch(() => {});
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await loop;
      await Promise.all(stories);
    },
  };
}
