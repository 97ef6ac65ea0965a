// Terms. A *workload* is what people mean by a service, whatever object speaks for it: `frontend-pod-1`, `frontend-service-1` and
// `frontend-deployment-1` are one workload. Its *base* is the name without the kind of object, its *ordinal* the number behind it.

import type { Graph } from "./graph.ts";

const KIND = "(?:service|svc|pod|deployment|deploy|replicaset|statefulset|daemonset)";
const KINDED = new RegExp(`^(.+?)[-_.]${KIND}(?:[-_.](\\d+))?$`);
/** Kubernetes' pod names: `<deployment>-<replicaset hash>-<5 random>`, or `<statefulset>-<ordinal>`. */
const POD_HASH = /^(.+?)-[a-f0-9]{7,10}-[a-z0-9]{5}$/;

export interface WorkloadName {
  /** Without kind, hyphens and case: `product-catalog-service-1` and `productcatalog-pod-1` are both `productcatalog`. */
  readonly base: string;
  /** Empty when the name carries none. */
  readonly ordinal: string;
  /** Does the name say which kind of object it is? Only such names are taken for one workload. */
  readonly kinded: boolean;
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57;
/** `-`, `_`, `.` and the space */
const isJoint = (code: number): boolean => code === 45 || code === 95 || code === 46 || code === 32;

/** Without hyphens and case; between two digits one stays, or pod 3 of `shop-17` would be `shop-173`. By hand: every word of every text that opens an incident comes by here. */
export function squeeze(name: string): string {
  const text = name.toLowerCase();
  let squeezed = "";
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    if (!isJoint(text.charCodeAt(at))) continue;
    const stays = at > 0 && isDigit(text.charCodeAt(at - 1)) && isDigit(text.charCodeAt(at + 1));
    squeezed += stays ? `${text.slice(from, at)}-` : text.slice(from, at);
    from = at + 1;
  }
  return from === 0 ? text : squeezed + text.slice(from);
}

export function parseWorkload(name: string): WorkloadName {
  const kinded = KINDED.exec(name);
  if (kinded) return { base: squeeze(kinded[1] as string), ordinal: kinded[2] ?? "", kinded: true };
  const pod = POD_HASH.exec(name);
  if (pod) return { base: squeeze(pod[1] as string), ordinal: "", kinded: true };
  return { base: squeeze(name), ordinal: "", kinded: false };
}

/** The families a name belongs to: its leading parts, the shortest first. `shop-eu-cart-service` is of `shop` and `shop-eu`. */
export function familiesOf(name: string): readonly string[] {
  const families: string[] = [];
  for (let at = 1; at < name.length && families.length < 3; at++) if (isSeparator(name.charCodeAt(at))) families.push(name.slice(0, at));
  return families;
}

/** `-`, `_`, `.`, `/`, `:` */
const isSeparator = (code: number): boolean => code === 45 || code === 95 || code === 46 || code === 47 || code === 58;

/** Do two names of a family differ in more than numbers? Numbered names are copies of one thing, or things made by a loop. */
export const differInWords = (a: string, b: string): boolean => a.replace(/\d+/g, "#") !== b.replace(/\d+/g, "#");

/** Labels that name the workload when no label names a service, the surest first. */
const WORKLOAD_LABELS = ["deployment", "statefulset", "daemonset", "workload", "app", "container", "pod"] as const;

/** What an alert speaks of, as text: its service, else the workload its labels name; undefined when neither is there. */
export function subjectOf(alert: { service?: string | undefined; labels: Readonly<Record<string, string>> }): string | undefined {
  if (alert.service) return alert.service;
  for (const label of WORKLOAD_LABELS) {
    const value = alert.labels[label];
    if (value) return value;
  }
  return undefined;
}

/** Where a subject is in the graph, or a name of its own that no node has. */
export function nodeOf(subject: string, namespace: string | undefined, graph: Graph): string {
  const known = graph.resolve(subject, namespace);
  if (known !== undefined) return known;
  const workload = parseWorkload(subject);
  return workload.kinded ? `~${workload.base}#${workload.ordinal}` : subject;
}
