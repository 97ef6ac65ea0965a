// `npm run eval -- drills [--times N] [--only FAULT]`: every fault of the lab, on other services each time, while the shop is busy and a service
// that has nothing to do with it is loud (a red herring). Was the service named first, with the right kind of cause and the right answer, and
// when? JSON lines on standard output, progress on standard error. Takes about 70 seconds a drill.
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { CauseKind, DrillView, IncidentView } from "@tocsin/contracts";
import { freePort } from "@tocsin/testkit";
import { type RunningPlatform, startPlatform } from "../bench/process/platform-process.ts";

const { values: options } = parseArgs({ options: { times: { type: "string", default: "3" }, only: { type: "string" } } });
const SUITE = "drills";
const line = (fields: Record<string, unknown>) =>
  process.stdout.write(`${JSON.stringify({ suite: SUITE, subject: "tocsin", ...fields })}\n`);
const say = (text: string) => process.stderr.write(`${text}\n`);
const rounded = (value: number, digits = 3): number => Number(value.toFixed(digits));

interface Plan {
  readonly fault: string;
  /** Where it is injected, one for each time. */
  readonly targets: readonly string[];
  /** The kinds of cause that are right. */
  readonly kinds: readonly CauseKind[];
}
const PLANS: readonly Plan[] = [
  { fault: "memory-leak", targets: ["payments", "cart", "catalog"], kinds: ["resource"] },
  { fault: "crash-loop", targets: ["inventory", "payments", "cart"], kinds: ["crash", "change"] },
  { fault: "error-burst", targets: ["catalog", "payments", "checkout"], kinds: ["change", "code-error"] },
  { fault: "latency", targets: ["inventory", "catalog", "payments"], kinds: ["saturation", "dependency-latency"] },
  { fault: "hang", targets: ["payments", "inventory", "cart"], kinds: ["hang"] },
  { fault: "cpu-spin", targets: ["cart", "catalog", "payments"], kinds: ["resource"] },
];
/** Loud and not to blame: neither calls the target nor is called by it, where the shop has such a service. */
const herringOf = (target: string): string => (target === "payments" || target === "checkout" ? "catalog" : "payments");

const BASELINE_SECONDS = 30;
const DRILL_SECONDS = 200;
/** The herring is loud for a while before anything breaks. */
const HERRING_LEAD_MS = 6_000;

interface Score {
  readonly service: boolean;
  readonly kind: boolean;
  readonly action: boolean;
  readonly closed: boolean;
}

async function until<T>(what: string, withinMs: number, look: () => Promise<T | undefined>): Promise<T> {
  const endsAt = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > endsAt) throw new Error(`${what}: not within ${withinMs / 1_000} s`);
    await delay(500);
  }
}

/** How long nothing may fire before the next drill, so that its baseline is the shop's own. */
const QUIET_MS = 15_000;

async function calm(platform: RunningPlatform, labUrl: string): Promise<void> {
  let quietSince: number | undefined;
  await until("the shop is calm", 240_000, async () => {
    const { items: incidents } = await platform.get<{ items: { id: string; state: string }[] }>("/api/v1/incidents?limit=200");
    const services = (await (await fetch(`${labUrl}/v1/services`)).json()) as {
      items: { replicas: { healthy: boolean; startedAt: string }[] }[];
    };
    const replicas = services.items.flatMap((service) => service.replicas);
    const youngest = Math.max(...replicas.map(({ startedAt }) => Date.parse(startedAt)));
    const firing = await platform.get<{ items: { name: string }[] }>("/api/v1/alerts?status=firing");
    const isWell = services.items.length >= 6 && replicas.every(({ healthy }) => healthy);
    const isQuiet = firing.items.every(({ name }) => name === "Watchdog");
    if (!isQuiet || !isWell) quietSince = undefined;
    else quietSince ??= performance.now();
    if (quietSince === undefined || performance.now() - quietSince < QUIET_MS || Date.now() - youngest < BASELINE_SECONDS * 1_000)
      return undefined;
    // What an earlier drill left to a person must not take in the alerts of the next; only now, when it is over.
    for (const { id, state } of incidents) if (state === "escalated") await platform.post(`/api/v1/incidents/${id}/close`, { by: "eval" });
    return incidents.every(({ state }) => state === "closed" || state === "escalated") ? true : undefined;
  });
}

async function noise(labUrl: string, service: string, isOn: boolean): Promise<void> {
  const answer = await fetch(`${labUrl}/v1/services/${service}/faults`, {
    method: isOn ? "POST" : "DELETE",
    ...(isOn ? { headers: { "content-type": "application/json" }, body: JSON.stringify({ fault: "noise", seconds: 300 }) } : {}),
  });
  if (!answer.ok) throw new Error(`noise on ${service}: ${answer.status} ${await answer.text()}`);
}

async function drill(platform: RunningPlatform, labUrl: string, plan: Plan, time: number): Promise<Score> {
  const target = plan.targets[time % plan.targets.length] as string;
  const herring = herringOf(target);
  await calm(platform, labUrl);
  await noise(labUrl, herring, true);
  await delay(HERRING_LEAD_MS);
  const started = await platform.postJson<DrillView>("/api/v1/drills", { fault: plan.fault, target, seconds: DRILL_SECONDS });
  const ended = await until(`${plan.fault} on ${target} ends`, (DRILL_SECONDS + 30) * 1_000, async () => {
    const view = await platform.get<DrillView>(`/api/v1/drills/${started.id}`);
    return view.state === "running" ? undefined : view;
  });
  await noise(labUrl, herring, false);
  const incident = ended.incidentId === undefined ? undefined : await platform.get<IncidentView>(`/api/v1/incidents/${ended.incidentId}`);
  const first = incident?.causes[0];
  const score: Score = {
    service: first?.service === target,
    kind: first !== undefined && plan.kinds.includes(first.kind),
    action: ended.action.right,
    closed: ended.state === "passed",
  };
  const secondsTo = (mark: keyof DrillView["at"]) =>
    ended.at[mark] === undefined ? null : rounded((Date.parse(ended.at[mark]) - Date.parse(ended.at.injected)) / 1_000, 1);
  line({
    case: `${plan.fault} on ${target}, ${herring} loud`,
    metric: "right service at rank 1",
    value: score.service ? 1 : 0,
    unit: "ratio",
    n: 1,
    kind: score.kind,
    action: score.action,
    closed: score.closed,
    found: first ? `${first.service} (${first.kind})` : null,
    confidence: first?.confidence ?? null,
    verdict: incident?.verdict ?? null,
    ...(ended.reason === undefined ? {} : { reason: ended.reason }),
    seconds: {
      fired: secondsTo("fired"),
      cause: secondsTo("cause"),
      action: secondsTo("action"),
      verified: secondsTo("verified"),
      closed: secondsTo("closed"),
    },
    load: rounded(loadavg()[0] as number, 1),
  });
  say(`${plan.fault} on ${target}: ${ended.state}, ${first?.service ?? "no cause"} (${first?.kind ?? "-"})`);
  return score;
}

line({
  machine: `${cpus().length} x ${cpus()[0]?.model ?? "?"}`,
  node: process.version,
  configuration: { herring: "noise", drillSeconds: DRILL_SECONDS },
});
const folder = mkdtempSync(join(tmpdir(), "tocsin-eval-"));
const labPort = String(await freePort());
const platform = await startPlatform({
  TOCSIN_STORE_URL: `embedded:${join(folder, "store")}`,
  TOCSIN_PORT: String(await freePort()),
  TOCSIN_LAB_PORT: labPort,
  TOCSIN_LAB_URL: `http://127.0.0.1:${labPort}`,
});
const scores = new Map<string, Score[]>();
try {
  for (let time = 0; time < Number(options.times); time++) {
    for (const plan of PLANS) {
      if (options.only !== undefined && plan.fault !== options.only) continue;
      const score = await drill(platform, `http://127.0.0.1:${labPort}`, plan, time).catch((error: unknown) => {
        say(String(error));
        return { service: false, kind: false, action: false, closed: false };
      });
      scores.set(plan.fault, [...(scores.get(plan.fault) ?? []), score]);
    }
  }
} finally {
  await platform.stop();
  rmSync(folder, { recursive: true, force: true });
}
const METRICS = { service: "right service at rank 1", kind: "right kind", action: "right first action", closed: "passed" } as const;
for (const [fault, list] of [...scores, ["all", [...scores.values()].flat()] as const])
  for (const [key, metric] of Object.entries(METRICS))
    line({
      case: fault,
      metric,
      value: rounded(list.filter((score) => score[key as keyof Score]).length / Math.max(1, list.length)),
      unit: "ratio",
      n: list.length,
    });
