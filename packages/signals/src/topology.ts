import { readFile } from "node:fs/promises";
import { Topology } from "@tocsin/contracts";
import { messageOf } from "@tocsin/runtime";
import { parse } from "yaml";
import * as z from "zod";
import { topologyFileInvalid } from "./errors.ts";

/**
 * One topology out of many: every service once, its dependencies those of all, a label taken from the first that has it. A service that
 * is only depended on is in it too, so that every edge has two ends.
 *
 * @param parts the most trusted first (a file a person wrote, then what was measured)
 */
export function mergeTopology(...parts: readonly Topology[]): Topology {
  const services = new Map<string, { dependsOn: Set<string>; labels: Map<string, string> }>();
  const entry = (id: string) => {
    let found = services.get(id);
    if (!found) {
      found = { dependsOn: new Set(), labels: new Map() };
      services.set(id, found);
    }
    return found;
  };
  for (const part of parts) {
    for (const { id, dependsOn, labels } of part.services) {
      const merged = entry(id);
      for (const callee of dependsOn) {
        if (callee === id) continue;
        merged.dependsOn.add(callee);
        entry(callee);
      }
      for (const [name, value] of Object.entries(labels)) if (!merged.labels.has(name)) merged.labels.set(name, value);
    }
  }
  return {
    services: [...services]
      .map(([id, { dependsOn, labels }]) => ({ id, dependsOn: [...dependsOn].sort(), labels: Object.fromEntries(labels) }))
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
  };
}

/**
 * Reads a topology a person wrote: `services: [{id, dependsOn: […], labels: {…}}]` in YAML.
 *
 * @throws AppError `SIGNALS_TOPOLOGY_FILE_INVALID`
 */
export async function readTopologyFile(file: string): Promise<Topology> {
  let read: unknown;
  try {
    read = parse(await readFile(file, "utf8"), { maxAliasCount: 100 });
  } catch (error) {
    throw topologyFileInvalid(file, messageOf(error), error);
  }
  const parsed = Topology.safeParse(read);
  if (!parsed.success) throw topologyFileInvalid(file, z.prettifyError(parsed.error));
  return parsed.data;
}
