// The whole way over real parts: Prometheus scrapes services of the lab in Docker containers, its rules fire, Alertmanager posts, the
// executor restarts the container through the Docker API after a person's yes, PromQL verifies, and GitLab (a stand-in that speaks its
// protocol) holds one closed incident.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type ApprovalView, IncidentView } from "@tocsin/contracts";
import {
  ALERTMANAGER_PROGRAMS,
  eventually,
  freePort,
  type Gitlab,
  giveUp,
  importNodeApp,
  lacks,
  PROMETHEUS_PROGRAMS,
  type RunningAlertmanager,
  type RunningDockerd,
  type RunningPrometheus,
  startAlertmanager,
  startDockerd,
  startGitlab,
  startPrometheus,
} from "@tocsin/testkit";
import Docker from "dockerode";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type PlatformUnderTest, platformUnderTest } from "./platform-under-test.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const run = randomBytes(3).toString("hex");
const inventory = `inventory-${run}`;
const catalog = `catalog-${run}`;
const image = `tocsin-fleet-${run}:1`;

describe.skipIf(lacks("dockerd", ...PROMETHEUS_PROGRAMS, ...ALERTMANAGER_PROGRAMS))("from alert to verified fix over real parts", () => {
  const folder = mkdtempSync(join(tmpdir(), "tocsin-real-"));
  const undo: (() => unknown)[] = [];
  let docker: Docker;
  let daemon: RunningDockerd;
  let prometheus: RunningPrometheus;
  let alertmanager: RunningAlertmanager;
  let gitlab: Gitlab;
  let platform: PlatformUnderTest;
  let inventoryAdmin: string;
  let catalogUrl: string;

  async function runService(name: string, fleetName: string, port: number, adminPort: number, peers: string[]): Promise<void> {
    const container = await docker.createContainer({
      name,
      Image: image,
      Cmd: [
        "fleet/service.ts",
        "--name",
        fleetName,
        "--port",
        String(port),
        "--admin-port",
        String(adminPort),
        ...peers.flatMap((peer) => ["--peer", peer]),
      ],
      Labels: { "tocsin.managed": "true", "tocsin.service": name },
      HostConfig: { NetworkMode: "host" },
    });
    undo.push(() => container.remove({ force: true }));
    await container.start();
    await eventually(`${name} answers`, async () => ((await fetch(`http://127.0.0.1:${port}/healthz`)).ok ? true : undefined));
  }

  beforeAll(async () => {
    daemon = await startDockerd();
    undo.push(() => daemon.stop());
    docker = new Docker({ socketPath: daemon.socketPath });
    const from = join(ROOT, "services/lab/");
    await importNodeApp(daemon.socketPath, { sources: `${from}src/fleet`, packages: ["prom-client"], from }, { name: image });
    undo.push(() => docker.getImage(image).remove({ force: true }));
    const ports = {
      inventory: await freePort(),
      inventoryAdmin: await freePort(),
      catalog: await freePort(),
      catalogAdmin: await freePort(),
      platform: await freePort(),
    };
    inventoryAdmin = `http://127.0.0.1:${ports.inventoryAdmin}/faults`;
    catalogUrl = `http://127.0.0.1:${ports.catalog}`;
    await runService(inventory, "inventory", ports.inventory, ports.inventoryAdmin, []);
    await runService(catalog, "catalog", ports.catalog, ports.catalogAdmin, [`inventory=http://127.0.0.1:${ports.inventory}`]);

    // The example that is shipped, but for the address.
    const config = readFileSync(join(ROOT, "deploy/alertmanager/alertmanager.lab.yml"), "utf8");
    alertmanager = await startAlertmanager(config.replace("127.0.0.1:8080", `127.0.0.1:${ports.platform}`));
    undo.push(() => alertmanager.stop());
    // Both belong to the job `lab`, so they come by discovery, as the lab's own services do.
    const discovery = createServer((_request, response) => {
      response.setHeader("content-type", "application/json");
      response.end(
        JSON.stringify([
          { targets: [`127.0.0.1:${ports.inventory}`], labels: { service: inventory } },
          { targets: [`127.0.0.1:${ports.catalog}`], labels: { service: catalog } },
        ]),
      );
    }).listen(0, "127.0.0.1");
    await once(discovery, "listening");
    undo.push(() => discovery.close());
    prometheus = await startPrometheus({
      jobs: [{ job: "lab", httpSdUrl: `http://127.0.0.1:${(discovery.address() as AddressInfo).port}` }],
      ruleFiles: [join(ROOT, "deploy/prometheus/rules/lab.yml")],
      alertmanagers: [alertmanager.address],
    });
    undo.push(() => prometheus.stop());
    gitlab = await startGitlab();
    undo.push(() => gitlab.close());

    const topology = join(folder, "topology.yml");
    writeFileSync(topology, JSON.stringify({ services: [{ id: catalog, dependsOn: [inventory] }, { id: inventory }] }));
    platform = await platformUnderTest("real", {
      TOCSIN_PORT: String(ports.platform),
      TOCSIN_TARGETS_URL: `docker://${daemon.socketPath}`,
      TOCSIN_METRICS_URL: prometheus.url,
      TOCSIN_LOGS_URL: "none:",
      TOCSIN_TRACES_URL: "none:",
      TOCSIN_TOPOLOGY_FILE: topology,
      TOCSIN_GITLAB_SYNC_URL: gitlab.url,
      TOCSIN_GITLAB_SYNC_TOKEN: gitlab.token,
      TOCSIN_GITLAB_SYNC_PROJECT: gitlab.projectPath,
      TOCSIN_GITLAB_SYNC_COALESCE_SECONDS: "1",
    });
    undo.push(() => platform.stop());
  }, 180_000);
  afterAll(async () => {
    for (const step of undo.reverse()) await step();
    rmSync(folder, { recursive: true, force: true });
  });

  const one = async (promql: string): Promise<number | undefined> => {
    const answer = await fetch(`${prometheus.url}/api/v1/query?${new URLSearchParams({ query: promql })}`);
    const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
    const value = data.result[0]?.value[1];
    return value === undefined ? undefined : Number(value);
  };

  test("a leaking container is found, restarted after a yes, verified by PromQL, closed and told to GitLab once", async () => {
    const visits = setInterval(
      () =>
        void fetch(`${catalogUrl}/product`).then(
          (answer) => answer.arrayBuffer(),
          () => {},
        ),
      100,
    );
    undo.push(() => clearInterval(visits));
    await eventually(
      "Prometheus has a baseline",
      async () => (((await one(`count_over_time(up{service="${inventory}"}[1m])`)) ?? 0) >= 25 ? true : undefined),
      60_000,
    );
    const startedAt = (await docker.getContainer(inventory).inspect()).State.StartedAt;
    const rest = (await one(`process_resident_memory_bytes{service="${inventory}"}`)) as number;

    expect((await fetch(inventoryAdmin, { method: "POST", body: JSON.stringify({ fault: "memory-leak", seconds: 300 }) })).status).toBe(
      202,
    );

    // Outside the lab a runbook asks first: the exact effect and its digest are shown, and a yes to another digest is none.
    const approval = await eventually(
      "a person is asked",
      async () => {
        const handed = await platform.get<{ items: { id: string }[] }>("/api/v1/incidents?state=escalated");
        if (handed.items[0] !== undefined)
          giveUp(`escalated: ${JSON.stringify(await platform.get(`/api/v1/incidents/${handed.items[0].id}`), null, 1)}`);
        return (await platform.get<{ items: ApprovalView[] }>("/api/v1/approvals?state=pending")).items[0];
      },
      120_000,
    );
    const asked = await platform.get<{ state: string }>(`/api/v1/incidents/${approval.incidentId}`);
    expect(asked.state).toBe("awaiting-approval");
    expect(approval.effect).toContain(inventory);
    expect((await docker.getContainer(inventory).inspect()).State.StartedAt).toBe(startedAt);
    const wrong = await platform.post<{ code: string }>(`/api/v1/approvals/${approval.id}/approve`, {
      digest: `sha256:${"0".repeat(64)}`,
      by: "ada",
    });
    expect(wrong.status).toBe(409);
    expect((await platform.post(`/api/v1/approvals/${approval.id}/approve`, { digest: approval.digest, by: "ada" })).status).toBe(200);

    const incident = await eventually(
      "the incident is closed",
      async () => {
        const view = IncidentView.parse(await platform.get(`/api/v1/incidents/${approval.incidentId}`));
        if (view.state === "escalated") giveUp(`escalated: ${view.escalation}`);
        return view.state === "closed" ? view : undefined;
      },
      180_000,
    );
    expect(incident.cause).toMatchObject({ service: inventory });
    expect(incident.runs).toMatchObject([{ runbook: "memory-leak-restart", state: "succeeded", parameters: { service: inventory } }]);
    expect(incident.members.every(({ status }) => status === "resolved")).toBe(true);
    expect((await docker.getContainer(inventory).inspect()).State.StartedAt).not.toBe(startedAt);
    expect(await one(`process_resident_memory_bytes{service="${inventory}"}`)).toBeLessThan(1.5 * rest);

    const issue = await eventually("GitLab has it closed", () => gitlab.issues.find(({ state }) => state === "closed"), 30_000);
    expect(gitlab.issues).toHaveLength(1);
    expect(issue.issueType).toBe("incident");
    expect(issue.title).toContain(inventory);
    expect(`${issue.description}${JSON.stringify(issue.notes)}`).toContain("memory");
    const linked = await platform.get<{ links: { gitlab?: string } }>(`/api/v1/incidents/${incident.id}`);
    expect(linked.links.gitlab).toContain(`/issues/`);
  }, 420_000);
});
