// The load generator and its record. It behaves as Alertmanager does: what was not answered with 2xx is sent again. Only what was answered
// with 2xx counts as acknowledged, and all of that has to be found at the end.
import { setTimeout as delay } from "node:timers/promises";
import type { Chance } from "./random.ts";

export interface Sent {
  /** Unlike any other; a label of the alert. */
  readonly probe: string;
  readonly status: "firing" | "resolved";
  readonly sentAt: number;
  /** Unix milliseconds of the 2xx; undefined while there was none. */
  ackedAt: number | undefined;
  /** Statuses of the answers, 0 for none. */
  readonly answers: number[];
}

export interface Load {
  readonly sent: readonly Sent[];
  /** Milliseconds from a delivery's first try to its 2xx. */
  readonly ackMs: readonly number[];
  /** Sends one alert now, until it is acknowledged. */
  send(labels: Readonly<Record<string, string>>, status: "firing" | "resolved", startsAt: number): Promise<void>;
  /** Sends so many alerts a second from now on. */
  run(alertsPerSecond: number): void;
  /** No new alerts; resolves when everything sent is acknowledged. */
  finish(): Promise<void>;
}

interface Wire {
  readonly sent: Sent;
  readonly body: object;
}

const RETRY_MS = 250;
const TIMEOUT_MS = 20_000;
/** The one whose expression the fleet's metrics can show; the others are load. */
const DOWN = "InstanceDown";
const ALERTS = ["HighErrorRate", "HighLatency", "QueueGrows", "DiskFills", "CertificateExpires"];

export function createLoad(addresses: readonly string[], token: string, chance: Chance): Load {
  const sent: Sent[] = [];
  const ackMs: number[] = [];
  const pending = new Set<Promise<void>>();
  const firing: { labels: Record<string, string>; startsAt: number; sent: Sent; until: number }[] = [];
  let running = false;
  let count = 0;
  let turn = 0;

  const wire = (labels: Readonly<Record<string, string>>, status: "firing" | "resolved", startsAt: number): Wire => ({
    sent: { probe: labels["probe"] as string, status, sentAt: Date.now(), ackedAt: undefined, answers: [] },
    body: {
      status,
      labels,
      annotations: { summary: `${labels["alertname"]} on ${labels["service"]}` },
      startsAt: new Date(startsAt).toISOString(),
      endsAt: status === "firing" ? "0001-01-01T00:00:00Z" : new Date().toISOString(),
      generatorURL: `http://prometheus/graph${labels["alertname"] === DOWN ? "?g0.expr=up+%3D%3D+0&g0.tab=1" : ""}`,
      fingerprint: "",
    },
  });

  async function post(members: readonly Wire[]): Promise<void> {
    sent.push(...members.map((member) => member.sent));
    const body = JSON.stringify({
      version: "4",
      groupKey: "{}:{}",
      truncatedAlerts: 0,
      status: "firing",
      receiver: "tocsin",
      groupLabels: {},
      commonLabels: {},
      commonAnnotations: {},
      externalURL: "http://alertmanager",
      alerts: members.map((member) => member.body),
    });
    const startedAt = performance.now();
    for (;;) {
      const address = addresses[turn++ % addresses.length];
      const status = await fetch(`${address}/webhooks/alertmanager`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
        body,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      }).then(
        async (answer) => {
          await answer.arrayBuffer();
          return answer.status;
        },
        () => 0,
      );
      for (const member of members) member.sent.answers.push(status);
      if (status >= 200 && status < 300) break;
      if (status >= 400 && status < 500) throw new Error(`the bridge refused an alert with ${status}`);
      await delay(RETRY_MS);
    }
    ackMs.push(performance.now() - startedAt);
    for (const member of members) member.sent.ackedAt = Date.now();
  }

  function track(work: Promise<void>): Promise<void> {
    pending.add(work);
    void work.finally(() => pending.delete(work)).catch(() => {});
    return work;
  }

  function fresh(): Wire {
    const n = count++;
    const labels = {
      alertname: chance.pick(ALERTS),
      service: `app-${Math.floor(chance.next() * 8)}`,
      cluster: `noise-${Math.floor(chance.next() * 4)}`,
      severity: chance.pick(["critical", "warning", "warning", "info"]),
      instance: `host-${n % 50}`,
      probe: `p${n}`,
    };
    const startsAt = Date.now();
    const made = wire(labels, "firing", startsAt);
    if (chance.next() < 0.4) firing.push({ labels, startsAt, sent: made.sent, until: startsAt + chance.between(2_000, 15_000) });
    return made;
  }

  function next(): Wire {
    const due = firing.findIndex((each) => each.until < Date.now() && each.sent.ackedAt !== undefined);
    if (due < 0) return fresh();
    const [ended] = firing.splice(due, 1);
    return wire((ended as (typeof firing)[number]).labels, "resolved", (ended as (typeof firing)[number]).startsAt);
  }

  async function loop(alertsPerSecond: number): Promise<void> {
    let made = 0;
    const startedAt = performance.now();
    while (running) {
      const size = 1 + Math.floor(chance.next() * 5);
      const members = Array.from({ length: size }, next);
      void track(post(members)).catch(() => {});
      // Twins of an HA pair, and a sender that did not hear the answer.
      if (chance.next() < 0.1)
        void track(post(members.map(({ sent: { probe, status }, body }) => twin(probe, status, body)))).catch(() => {});
      made += size;
      const dueIn = startedAt + (made / alertsPerSecond) * 1_000 - performance.now();
      if (dueIn > 0) await delay(dueIn);
    }
  }
  const twin = (probe: string, status: "firing" | "resolved", body: object): Wire => ({
    sent: { probe, status, sentAt: Date.now(), ackedAt: undefined, answers: [] },
    body,
  });

  let looping: Promise<void> = Promise.resolve();
  return {
    sent,
    ackMs,
    send: (labels, status, startsAt) => track(post([wire(labels, status, startsAt)])),
    run(alertsPerSecond) {
      running = true;
      looping = loop(alertsPerSecond);
    },
    async finish() {
      running = false;
      await looping;
      while (pending.size > 0) await Promise.all(pending);
    },
  };
}
