import type { Alert, Topology } from "@tocsin/contracts";
import { compileGraph, createWorkingSet, DEFAULT_CORRELATION, type WorkingSet } from "../src/index.ts";

export const START = Date.parse("2026-01-01T00:00:00.000Z");
export const iso = (ms: number): string => new Date(ms).toISOString();

/** FNV-1a-64 over the sorted labels: any stable fingerprint serves a test. */
export function fingerprintOf(labels: Readonly<Record<string, string>>): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(JSON.stringify(Object.entries(labels).sort())))
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return hash.toString(16).padStart(16, "0");
}

export interface AlertScript {
  readonly name: string;
  readonly service?: string;
  /** Seconds after {@link START}. */
  readonly at?: number;
  /** Seconds after {@link START}; makes it a resolved one. */
  readonly endsAt?: number;
  readonly severity?: Alert["severity"];
  readonly labels?: Readonly<Record<string, string>>;
  readonly text?: string;
  readonly groupKey?: string;
  readonly scope?: string;
}

/** A transition of an alert, as the bridge publishes it. */
export function alert(script: AlertScript): Alert {
  const { name, service, at = 0, endsAt, severity = "warning" } = script;
  const labels = { alertname: name, ...(service === undefined ? {} : { service }), ...script.labels };
  const fingerprint = fingerprintOf(labels);
  const startsAt = iso(START + at * 1000);
  const ends = endsAt === undefined ? undefined : iso(START + endsAt * 1000);
  const digest = fingerprintOf({ fingerprint, startsAt, ends: ends ?? "" });
  return {
    fingerprint,
    dedupeKey: `sha256:${digest.repeat(4)}`,
    source: "alertmanager",
    name,
    severity,
    ...(service === undefined ? {} : { service }),
    scope: script.scope ?? "default",
    status: ends === undefined ? "firing" : "resolved",
    labels,
    annotations: script.text === undefined ? {} : { description: script.text },
    startsAt,
    ...(ends === undefined ? {} : { endsAt: ends }),
    receivedAt: iso(START + (endsAt ?? at) * 1000 + 500),
    ...(script.groupKey === undefined ? {} : { groupKey: script.groupKey }),
  };
}

/** `{ checkout: ["payments"] }`: checkout calls payments. */
export const topology = (calls: Readonly<Record<string, readonly string[]>>): Topology => ({
  services: Object.entries(calls).map(([id, dependsOn]) => ({ id, dependsOn: [...dependsOn], labels: {} })),
});

export const graphOf = (calls: Readonly<Record<string, readonly string[]>>) =>
  compileGraph(topology(calls), DEFAULT_CORRELATION.maxHops, DEFAULT_CORRELATION.hubDependents);

/** A shop: storefront → catalog, cart, checkout; checkout → payments, inventory. */
export const SHOP = {
  storefront: ["catalog", "cart", "checkout"],
  checkout: ["payments", "inventory"],
  catalog: [],
  cart: [],
  payments: [],
  inventory: [],
};

export const shopSet = (): WorkingSet => createWorkingSet("default", graphOf(SHOP));

/** The members of each live incident as `service:rule`, sorted, the oldest incident first. */
export const groups = (set: WorkingSet): string[][] =>
  [...set.incidents.values()]
    .sort((a, b) => a.startedAt - b.startedAt)
    .map((incident) => [...incident.members.values()].map((member) => `${member.service ?? "-"}:${member.name}`).sort());
