// One service of the lab's shop: a process of its own, told everything on its command line but where to send its spans. Needs only Node and
// prom-client unless it is to send them, so the same files run under the supervisor and in a container.
import { createServer, type Server } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { adminServer } from "./admin-server.ts";
import { jsonOutput } from "./output.ts";
import { DEADLINE_HEADER, peerClient } from "./peer-client.ts";
import { createPool } from "./pool.ts";
import { faultState } from "./process-fault.ts";
import { seededRandom } from "./random.ts";
import { serve } from "./request-work.ts";
import { serviceMetrics } from "./service-metrics.ts";
import { serviceOptions } from "./service-options.ts";
import { openSender, sendingToo } from "./span-sending.ts";
import { incomingContext } from "./trace.ts";

const DEFAULT_BUDGET_MS = 1_500;
/** How long it tries to reach a backend that is not there before it gives up and exits. */
const CONNECT_GIVE_UP_MS = 4_000;

// A start that only fills the compile cache, so that the six that follow need neither compiler nor type stripper.
if (process.argv[2] === "--warm-up") process.exit(0);

const options = serviceOptions(process.argv.slice(2));
const { service } = options;
const sender = await openSender(process.env, { name: service.name, version: options.version });
const output = sendingToo(jsonOutput(process.stdout), sender);
const pool = createPool(options.poolSize);
const faults = faultState(pool, output);
const metrics = serviceMetrics(pool, options.version);
const client = peerClient(options.peers, metrics, output);
const random = seededRandom(options.seed);
const work = { backend: service.backend, pool, client, faults, output, random, defectRatio: options.defectRatio };
let connected = false;

const shop = createServer((request, response) => {
  const begin = performance.now();
  const path = (request.url ?? "/").split("?", 1)[0] as string;
  request.resume();
  if (path === "/metrics") {
    void metrics.registry.metrics().then((text) => response.writeHead(200, { "content-type": metrics.registry.contentType }).end(text));
    return;
  }
  if (path === "/healthz") {
    response.writeHead(connected ? 200 : 503).end(connected ? "ok\n" : `not connected to the ${service.backend}\n`);
    return;
  }
  const route = service.routes.find((candidate) => candidate.method === request.method && candidate.path === path);
  if (!route) {
    response.writeHead(404).end();
    return;
  }
  const startAt = Date.now() / 1000;
  const trace = incomingContext(request.headers["traceparent"] as string | undefined);
  const budgetMs = Math.min(DEFAULT_BUDGET_MS, Number(request.headers[DEADLINE_HEADER] ?? DEFAULT_BUDGET_MS) || DEFAULT_BUDGET_MS);
  const answered = connected ? serve(route, trace, begin + budgetMs, work) : Promise.resolve(503);
  void answered
    .catch((error: Error) => {
      output.log("error", `unhandled error in ${route.method} ${route.path}: ${error.stack ?? error.message}`);
      return 500;
    })
    .then((status) => {
      const durationMs = performance.now() - begin;
      metrics.served.observe({ method: route.method, route: route.path, status_code: String(status) }, durationMs / 1000);
      output.span({ ...trace, kind: "server", name: `${route.method} ${route.path}`, startAt, durationMs, error: status >= 500 });
      if (status < 500) output.log("info", `${route.method} ${route.path} ${status} in ${Math.round(durationMs)} ms`);
      response.writeHead(status, { "content-type": "application/json" }).end(`{"status":${status}}`);
    });
});
const admin = adminServer(faults);

/** Listens, on any free port when the wanted one is taken. */
function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE" && port !== 0) resolve(listen(server, 0));
      else reject(error);
    });
    server.listen(port, options.host, () => resolve((server.address() as { port: number }).port));
  });
}

function stop(): void {
  output.log("info", "stopping: no new requests");
  shop.close(() => void (sender?.stop() ?? Promise.resolve()).then(() => process.exit(0)));
  shop.closeIdleConnections();
  setTimeout(() => process.exit(0), 1_000).unref();
}
process.on("SIGTERM", stop);
process.on("SIGINT", () => {}); // Ctrl-C goes to the whole terminal group; the supervisor decides when its services stop
process.on("disconnect", () => process.exit(0)); // the supervisor is gone
process.on("message", (message: { peers?: Record<string, string> }) => {
  for (const [name, address] of Object.entries(message.peers ?? {})) client.setPeer(name, address);
});

const port = await listen(shop, options.port);
const adminPort = await listen(admin, options.adminPort);
output.log("info", `${service.name} ${options.version} listens on port ${port}`);
process.send?.({ listening: { port, adminPort } });

if (/^[a-z]+:\/\/[\w.:-]+$/.test(options.backendUrl)) {
  connected = true;
  output.log("info", `connected to the ${service.backend}`);
} else {
  output.log(
    "error",
    `cannot connect to the ${service.backend}: invalid address ${JSON.stringify(options.backendUrl)} in the configuration`,
  );
  await delay(CONNECT_GIVE_UP_MS);
  output.log("error", `fatal: no connection to the ${service.backend} after ${CONNECT_GIVE_UP_MS} ms, exiting with code 78`);
  process.exitCode = 78; // EX_CONFIG of sysexits.h
  setTimeout(() => process.exit(78), 50);
}
