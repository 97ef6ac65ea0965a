// The shop's customers: requests at random moments (Poisson), a seeded mix of routes, a bounded number under way.
import { Agent, request } from "node:http";
import { parseArgs } from "node:util";
import { jsonOutput } from "./output.ts";
import { seededRandom } from "./random.ts";

if (process.argv[2] === "--warm-up") process.exit(0); // it only fills the compile cache

const { values } = parseArgs({
  options: {
    url: { type: "string" },
    rate: { type: "string", default: "20" },
    seed: { type: "string", default: "1" },
    /** `METHOD /path=weight`; default is the shop's mix. */
    mix: { type: "string", multiple: true, default: ["GET /=15", "GET /product=35", "POST /cart=22", "POST /checkout=28"] },
  },
});
const MAX_IN_FLIGHT = 80;
const TIMEOUT_MS = 2_000;

const output = jsonOutput(process.stdout);
const random = seededRandom(Number(values.seed));
const agent = new Agent({ keepAlive: true, maxSockets: MAX_IN_FLIGHT });
const ratePerSecond = Number(values.rate);
const mix = values.mix.map((entry) => {
  const match = /^(GET|POST) (\/\S*)=(\d+)$/.exec(entry);
  if (match === null) throw new Error(`--mix ${entry} is not METHOD /path=weight`);
  return { method: match[1] as string, path: match[2] as string, weight: Number(match[3]) };
});
const total = mix.reduce((sum, entry) => sum + entry.weight, 0);
let target = values.url;
let inFlight = 0;
let failed = 0;
let sent = 0;

function pick() {
  let left = random() * total;
  for (const entry of mix) {
    left -= entry.weight;
    if (left < 0) return entry;
  }
  return mix[0];
}

function visit(): void {
  const entry = pick();
  if (target === undefined || entry === undefined || inFlight >= MAX_IN_FLIGHT) return;
  inFlight += 1;
  sent += 1;
  let over = false;
  const done = (ok: boolean) => {
    if (over) return;
    over = true;
    inFlight -= 1;
    if (!ok) failed += 1;
  };
  const outgoing = request(
    `${target}${entry.path}`,
    { method: entry.method, agent, signal: AbortSignal.timeout(TIMEOUT_MS) },
    (response) => {
      response.resume();
      response.on("end", () => done((response.statusCode ?? 500) < 500));
      response.on("error", () => done(false));
    },
  );
  outgoing.on("error", () => done(false));
  outgoing.end();
}

function next(): void {
  visit();
  setTimeout(next, (-Math.log(1 - random()) / ratePerSecond) * 1000);
}

process.on("SIGINT", () => {});
process.on("SIGTERM", () => process.exit(0));
process.on("disconnect", () => process.exit(0));
process.on("message", (message: { peers?: Record<string, string> }) => {
  target = message.peers?.["storefront"] ?? target;
});
setInterval(() => {
  output.log(failed > 0 ? "warn" : "info", `${sent} visits, ${failed} failed in 10 s`);
  sent = 0;
  failed = 0;
}, 10_000);
next();
process.send?.({ listening: { port: 0, adminPort: 0 } });
