import { targetUnknown, targetUnsupported } from "./errors.ts";
import type { TargetPort } from "./target-port.ts";

/** Nothing to act on: the platform observes, diagnoses and tells people. */
export function noTargets(): TargetPort {
  const unknown = async (id: string): Promise<never> => {
    throw targetUnknown(id, []);
  };
  return {
    kind: "none",
    list: async () => [],
    get: unknown,
    restart: unknown,
    start: unknown,
    stop: unknown,
    rollback: unknown,
    configure: unknown,
    recreate: unknown,
    reconnect: unknown,
    scale: unknown,
    logs: unknown,
    stats: unknown,
    runOneOff: async () => {
      throw targetUnsupported("no targets are configured (TOCSIN_TARGETS_URL=none:)");
    },
    reap: async () => 0,
    ping: async () => {},
    close: async () => {},
  };
}
