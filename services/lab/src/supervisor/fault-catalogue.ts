import type { FaultView } from "@tocsin/contracts";
import { FLEET } from "../fleet/fleet-map.ts";

const targets = FLEET.map((service) => service.name);
const fault = (id: string, title: string, expectedAction: "target.restart" | "target.rollback", text: string): FaultView => ({
  id,
  title,
  text,
  targets,
  expectedAction,
});

/** Breaks nothing and stays below every alert: a red herring for whoever looks for the cause of something else. Not offered as a drill. */
export const NOISE = "noise";

/** What can be broken, and which action is the right answer to it. */
export const FAULTS: readonly FaultView[] = [
  fault(
    "memory-leak",
    "Memory leak",
    "target.restart",
    "Keeps 6 MB a second and walks through all of it on every request. A restart frees it.",
  ),
  fault(
    "crash-loop",
    "Crash loop after a configuration change",
    "target.rollback",
    "A new configuration names a backend that cannot be reached; the process exits shortly after each start. The configuration before works.",
  ),
  fault(
    "error-burst",
    "Bad release",
    "target.rollback",
    "A new version throws on six of ten requests. A restart changes nothing; the version before works.",
  ),
  fault(
    "latency",
    "Connection pool exhausted",
    "target.restart",
    "Connections leak from the pool and queries are slow. A restart opens a fresh pool.",
  ),
  fault(
    "hang",
    "Deadlock",
    "target.restart",
    "The process lives and uses no CPU, but answers nothing, not even its metrics. A restart frees it.",
  ),
  fault(
    "cpu-spin",
    "Busy loop",
    "target.restart",
    "A loop that never settles takes most of a core and delays every request. A restart ends it.",
  ),
];
