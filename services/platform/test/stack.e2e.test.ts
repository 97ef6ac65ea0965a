// The same loop with every service as its own process, two correlators among them, on a real Kafka, Postgres, Redis, Prometheus,
// Alertmanager and Docker engine. Whatever a browser does goes to one address, the console's, with the token of the installation.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ApprovalView, type DrillView, IncidentView } from "@tocsin/contracts";
import { type RunningStack, startStack } from "@tocsin/local";
import {
  ALERTMANAGER_PROGRAMS,
  eventually,
  type Gitlab,
  giveUp,
  KAFKA_PROGRAMS,
  lacks,
  POSTGRES_PROGRAMS,
  PROMETHEUS_PROGRAMS,
  startGitlab,
} from "@tocsin/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type DockerFleet, startDockerFleet } from "./docker-fleet.ts";

const TOKEN = "a token of the installation";
/** How many seconds of a healthy service its later state is compared with. */
const BASELINE_SECONDS = 25;

const missing = lacks("dockerd", "redis-server", ...KAFKA_PROGRAMS, ...POSTGRES_PROGRAMS, ...PROMETHEUS_PROGRAMS, ...ALERTMANAGER_PROGRAMS);

describe.skipIf(missing)("from alert to verified fix, every service its own process", () => {
  const folder = mkdtempSync(join(tmpdir(), "tocsin-stack-e2e-"));
  let fleet: DockerFleet | undefined;
  let gitlab: Gitlab;
  let stack: RunningStack;
  let address: string;
  let cookie: string;

  beforeAll(async () => {
    gitlab = await startGitlab();
    fleet = await startDockerFleet();
    fleet.visit();
    const topology = join(folder, "topology.yml");
    writeFileSync(topology, JSON.stringify(fleet.topology));
    stack = await startStack({
      replicas: { correlator: 2, lab: 0 },
      around: { interval: "1s", httpSdUrl: `${fleet.labUrl}/v1/scrape-targets` },
      env: {
        TOCSIN_API_TOKEN: TOKEN,
        TOCSIN_LAB_URL: fleet.labUrl,
        TOCSIN_TARGETS_URL: `docker://${fleet.daemon.socketPath}`,
        TOCSIN_LOGS_URL: "none:",
        TOCSIN_TRACES_URL: "none:",
        TOCSIN_TOPOLOGY_FILE: topology,
        TOCSIN_SRE_AGENT_SOAK_SECONDS: "4",
        TOCSIN_SRE_AGENT_CLOSE_AFTER_SECONDS: "3",
        TOCSIN_GITLAB_SYNC_URL: gitlab.url,
        TOCSIN_GITLAB_SYNC_TOKEN: gitlab.token,
        TOCSIN_GITLAB_SYNC_PROJECT: gitlab.projectPath,
        TOCSIN_GITLAB_SYNC_COALESCE_SECONDS: "1",
      },
    });
    address = stack.address as string;
    const session = await fetch(`${address}/api/v1/session`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: address },
      body: JSON.stringify({ token: TOKEN }),
    });
    cookie = session.headers.get("set-cookie")?.split(";")[0] ?? "";
  }, 180_000);
  afterAll(async () => {
    await stack?.stop();
    await fleet?.stop();
    await gitlab?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** As a browser does it: the session's cookie, and the page's origin with whatever changes something. */
  async function ask<T>(path: string, body?: unknown): Promise<{ status: number; body: T }> {
    const json = { method: "POST", headers: { cookie, origin: address, "content-type": "application/json" }, body: JSON.stringify(body) };
    const answer = await fetch(address + path, body === undefined ? { headers: { cookie } } : json);
    return { status: answer.status, body: (await answer.json()) as T };
  }
  const get = async <T>(path: string): Promise<T> => {
    const { status, body } = await ask<T>(path);
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${JSON.stringify(body)}`);
    return body;
  };

  test("whatever a service answers is at the console's address, for whoever has signed in", async () => {
    const documentOf = (origin: string) =>
      fetch(`${origin}/api/openapi.json`, { headers: { authorization: `Bearer ${TOKEN}` } }).then(
        (answer) => answer.json() as Promise<{ paths: Record<string, unknown> }>,
      );
    const here = Object.keys((await documentOf(address)).paths);
    for (const [id, service] of stack.services) {
      const theirs = Object.keys((await documentOf(service.address)).paths).filter((path) => path.startsWith("/api/v1/"));
      expect(
        theirs.filter((path) => !here.includes(path)),
        id,
      ).toEqual([]);
    }
    for (const path of ["/api/v1/drills", "/api/v1/storm", "/api/v1/quarantine", "/api/v1/incidents"]) {
      expect((await fetch(address + path)).status, path).toBe(401);
      expect((await ask(path)).status, path).toBe(200);
    }
  });

  test("a delivery to the console's address is the bridge's", async () => {
    const answer = await fetch(`${address}/webhooks/alertmanager`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"version":"4", "alerts":[',
    });
    expect(answer.status).toBe(202);
    expect(await answer.json()).toMatchObject({ accepted: 0, quarantined: 1 });
    expect((await get<{ items: unknown[] }>("/api/v1/quarantine")).items).toHaveLength(1);
  });

  test("a drill breaks a container; it is found, restarted after a yes, verified by PromQL, closed, told to GitLab once", async () => {
    const { docker, inventory } = fleet as DockerFleet;
    const prometheus = stack.part("prometheus").address;
    const one = async (promql: string): Promise<number | undefined> => {
      const answer = await fetch(`${prometheus}/api/v1/query?${new URLSearchParams({ query: promql })}`);
      const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
      const value = data.result[0]?.value[1];
      return value === undefined ? undefined : Number(value);
    };
    await eventually(
      "Prometheus has a baseline",
      async () => (((await one(`count_over_time(up{service="${inventory}"}[1m])`)) ?? 0) >= BASELINE_SECONDS ? true : undefined),
      60_000,
    );
    const startedAt = (await docker.getContainer(inventory).inspect()).State.StartedAt;

    const begun = await ask<DrillView>("/api/v1/drills", { fault: "memory-leak", target: inventory, seconds: 300 });
    expect(begun.status).toBe(201);
    const approval = await eventually(
      "a person is asked",
      async () => {
        const handed = await get<{ items: { id: string }[] }>("/api/v1/incidents?state=escalated");
        if (handed.items[0] !== undefined) giveUp(JSON.stringify(await get(`/api/v1/incidents/${handed.items[0].id}`), null, 1));
        return (await get<{ items: ApprovalView[] }>("/api/v1/approvals?state=pending")).items[0];
      },
      120_000,
    );
    expect(approval.effect).toContain(inventory);
    expect((await docker.getContainer(inventory).inspect()).State.StartedAt).toBe(startedAt);
    expect((await ask(`/api/v1/approvals/${approval.id}/approve`, { digest: approval.digest, by: "ada" })).status).toBe(200);

    const drill = await eventually(
      "the drill ends",
      async () => {
        const view = await get<DrillView>(`/api/v1/drills/${begun.body.id}`);
        return view.state === "running" ? undefined : view;
      },
      180_000,
    );
    expect(drill).toMatchObject({
      state: "passed",
      cause: { found: inventory, right: true },
      action: { taken: "target.restart", right: true },
    });
    const incident = IncidentView.parse(await get(`/api/v1/incidents/${drill.incidentId}`));
    expect(incident).toMatchObject({ state: "closed", verdict: "cause", cause: { service: inventory } });
    expect(incident.runs).toMatchObject([{ runbook: "memory-leak-restart", state: "succeeded", parameters: { service: inventory } }]);
    expect(incident.members.every(({ status }) => status === "resolved")).toBe(true);
    expect((await docker.getContainer(inventory).inspect()).State.StartedAt).not.toBe(startedAt);

    await eventually("GitLab has it closed", () => gitlab.issues.find(({ state }) => state === "closed"), 30_000);
    expect(gitlab.issues).toHaveLength(1);

    // The live stream of the console begins with the incident's first event, which other processes wrote.
    const abort = new AbortController();
    const stream = await fetch(`${address}/api/v1/incidents/${incident.id}/stream`, { headers: { cookie }, signal: abort.signal });
    let text = "";
    for await (const chunk of stream.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString();
      if (text.includes('"kind":"closed"')) break;
    }
    abort.abort();
    expect(text.indexOf('"kind":"opened"')).toBeLessThan(text.indexOf('"phase":"gather"'));
    expect(text.indexOf('"phase":"gather"')).toBeLessThan(text.indexOf('"kind":"closed"'));
  }, 420_000);
});
