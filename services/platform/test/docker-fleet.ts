import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { eventually, freePort, importNodeApp, type RunningDockerd, startDockerd } from "@tocsin/testkit";
import Docker from "dockerode";

const LAB = fileURLToPath(new URL("../../lab/", import.meta.url));

/** Two services of the lab as containers, one calling the other, and of the lab's API what finds and breaks them. */
export interface DockerFleet {
  readonly daemon: RunningDockerd;
  readonly docker: Docker;
  /** Names of the containers, new in every run: the machine's daemon may be shared. */
  readonly inventory: string;
  readonly catalog: string;
  readonly catalogUrl: string;
  /** Of the API: `/v1/scrape-targets` (Prometheus discovery), `/v1/faults`, `/v1/services/:name/faults`. */
  readonly labUrl: string;
  /** For `TOCSIN_TOPOLOGY_FILE`. */
  readonly topology: object;
  /** Visits the catalog ten times a second until `stop`. */
  visit(): void;
  stop(): Promise<void>;
}

export async function startDockerFleet(): Promise<DockerFleet> {
  const run = randomBytes(3).toString("hex");
  const [inventory, catalog, image] = [`inventory-${run}`, `catalog-${run}`, `tocsin-fleet-${run}:1`];
  const undo: (() => unknown)[] = [];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const daemon = await startDockerd();
    undo.push(() => daemon.stop());
    const docker = new Docker({ socketPath: daemon.socketPath });
    await importNodeApp(daemon.socketPath, { sources: `${LAB}src/fleet`, packages: ["prom-client"], from: LAB }, { name: image });
    undo.push(() => docker.getImage(image).remove({ force: true }));

    const service = async (name: string, fleetName: string, peers: readonly string[]) => {
      const [port, adminPort] = [await freePort(), await freePort()];
      const args = ["--name", fleetName, "--port", String(port), "--admin-port", String(adminPort)];
      const container = await docker.createContainer({
        name,
        Image: image,
        Cmd: ["fleet/service.ts", ...args, ...peers.flatMap((peer) => ["--peer", peer])],
        Labels: { "tocsin.managed": "true", "tocsin.service": name },
        HostConfig: { NetworkMode: "host" },
      });
      undo.push(() => container.remove({ force: true }));
      await container.start();
      const url = `http://127.0.0.1:${port}`;
      await eventually(`${name} answers`, async () => ((await fetch(`${url}/healthz`)).ok ? true : undefined), 30_000);
      return { name, port, url, admin: `http://127.0.0.1:${adminPort}/faults` };
    };
    const first = await service(inventory, "inventory", []);
    const second = await service(catalog, "catalog", [`inventory=${first.url}`]);
    const services = [first, second];

    const answers: Readonly<Record<string, unknown>> = {
      // Both belong to the job `lab`, so they come by discovery, as the lab's own services do.
      "/v1/scrape-targets": services.map(({ name, port }) => ({ targets: [`127.0.0.1:${port}`], labels: { service: name } })),
      "/v1/faults": {
        items: [
          { id: "memory-leak", title: "Memory leak", text: "A restart frees it.", targets: [inventory], expectedAction: "target.restart" },
        ],
      },
    };
    const api = createServer(async (request, response) => {
      const name = /^\/v1\/services\/([^/]+)\/faults$/.exec(request.url ?? "")?.[1];
      const admin = services.find((one) => one.name === name)?.admin;
      response.setHeader("content-type", "application/json");
      if (admin === undefined) return response.end(JSON.stringify(answers[request.url ?? ""] ?? {}));
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { method = "GET" } = request;
      const answer = await fetch(admin, { method, ...(method === "POST" ? { body: Buffer.concat(chunks) } : {}) }).catch(() => undefined);
      return response.writeHead(answer?.status ?? 502).end("{}");
    }).listen(0, "127.0.0.1");
    await once(api, "listening");
    undo.push(() => api.close());
    return {
      daemon,
      docker,
      inventory,
      catalog,
      catalogUrl: second.url,
      labUrl: `http://127.0.0.1:${(api.address() as AddressInfo).port}`,
      topology: { services: [{ id: catalog, dependsOn: [inventory] }, { id: inventory }] },
      visit() {
        const ignored = () => {};
        const visits = setInterval(() => void fetch(`${second.url}/product`).then((answer) => answer.arrayBuffer(), ignored), 100);
        undo.push(() => clearInterval(visits));
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
