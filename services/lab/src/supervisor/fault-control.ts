import type { Change } from "@tocsin/contracts";
import { type Logger, messageOf } from "@tocsin/runtime";
import { faultActive, faultRefused, faultUnknown, targetUnknown } from "../errors.ts";
import { FAULTS, NOISE } from "./fault-catalogue.ts";
import type { Fleet } from "./fleet.ts";
import { current, previous, type Revision, revisionOf } from "./revision-history.ts";

interface ActiveFault {
  readonly fault: string;
  /** RFC 3339: when it ends by itself. */
  readonly until: string;
}

export interface FaultControl {
  inject(service: string, fault: string, seconds: number): Promise<ActiveFault>;
  /** Ends whatever fault the service has; nothing when it has none. */
  clear(service: string): Promise<void>;
  active(service: string): readonly ActiveFault[];
  stop(): void;
}

interface Injected extends ActiveFault {
  /** The revision that carries it, when a release or a configuration does. */
  readonly revision?: string;
  readonly expiry: NodeJS.Timeout;
}

export function faultControl(fleet: Fleet, log: Logger): FaultControl {
  const injected = new Map<string, Injected>();
  const forget = (service: string) => {
    clearTimeout(injected.get(service)?.expiry);
    injected.delete(service);
  };

  // A process fault dies with its process; one that came with a revision dies when another revision runs.
  fleet.onNewProcess((service) => {
    const fault = injected.get(service);
    if (fault && (fault.revision === undefined || current(fleet.managed(service).history).id !== fault.revision)) forget(service);
  });

  /** What a fault rolls out: a revision and the record of its change; undefined for a fault of the process. */
  function rollOutOf(service: string, fault: string): { revision: Revision; change: Pick<Change, "kind" | "text"> } | undefined {
    const unit = fleet.managed(service);
    const now = current(unit.history);
    const { backend, versions } = unit.service;
    if (fault === "crash-loop") {
      const url = `tcp://${backend.replaceAll(" ", "-")}.internal:{port}`; // a placeholder that nobody filled in
      const text = `${service} configuration changed: the address of the ${backend} is now ${url}`;
      return { revision: revisionOf(now.version, ["--backend-url", url], `${url} ${now.id}`), change: { kind: "configuration", text } };
    }
    if (fault === "error-burst") {
      const text = `${service} ${versions[2]} released in place of ${now.version}`;
      return { revision: revisionOf(versions[2], ["--defect-ratio", "0.6"], "initial"), change: { kind: "deployment", text } };
    }
    return undefined;
  }

  async function injectIntoProcess(service: string, fault: string, seconds: number): Promise<void> {
    const answer = await askAdmin(fleet, service, "POST", { fault, seconds });
    if (answer !== 202) throw faultRefused(service, `its admin port answered ${answer}`);
  }

  async function clear(service: string): Promise<void> {
    const fault = injected.get(service);
    if (!fault) return;
    forget(service);
    const unit = fleet.managed(service);
    if (fault.revision !== undefined) {
      if (current(unit.history).id !== fault.revision || !previous(unit.history)) return;
      await fleet.act(service, "rollback", { operationId: `clear ${service} ${fault.until}`, timeoutMs: 10_000 });
      return;
    }
    const answer = await askAdmin(fleet, service, "DELETE").catch(() => undefined);
    // It hangs: nothing inside it can be told anything any more.
    if (answer !== 200) await fleet.act(service, "restart", { operationId: `clear ${service} ${fault.until}`, timeoutMs: 10_000 });
  }

  return {
    async inject(service, fault, seconds) {
      if (!fleet.names.includes(service)) throw targetUnknown(service, fleet.names);
      if (fault !== NOISE && !FAULTS.some((known) => known.id === fault))
        throw faultUnknown(
          fault,
          FAULTS.map((known) => known.id),
        );
      const present = injected.get(service);
      if (present) throw faultActive(service, present.fault);
      const until = new Date(Date.now() + seconds * 1000).toISOString();
      const expiry = setTimeout(
        () => void clear(service).catch((error) => log.warn({ service, reason: messageOf(error) }, "fault not cleared")),
        seconds * 1000,
      );
      const rollOut = rollOutOf(service, fault);
      // Before the first await, so that two at once cannot both pass.
      injected.set(service, { fault, until, expiry, ...(rollOut ? { revision: rollOut.revision.id } : {}) });
      try {
        if (rollOut) await fleet.rollOut(service, rollOut.revision, rollOut.change);
        else await injectIntoProcess(service, fault, seconds);
      } catch (error) {
        forget(service);
        throw error;
      }
      log.info({ service, fault, seconds }, "fault injected");
      return { fault, until };
    },
    clear,
    active: (service) => {
      const fault = injected.get(service);
      return fault ? [{ fault: fault.fault, until: fault.until }] : [];
    },
    stop() {
      for (const service of [...injected.keys()]) forget(service);
    },
  };
}

async function askAdmin(fleet: Fleet, service: string, method: "POST" | "DELETE", body?: object): Promise<number> {
  const port = fleet.managed(service).address?.adminPort;
  if (port === undefined) throw faultRefused(service, "it has not started yet");
  try {
    const response = await fetch(`http://127.0.0.1:${port}/faults`, {
      method,
      ...(body ? { body: JSON.stringify(body) } : {}),
      signal: AbortSignal.timeout(2_000),
    });
    await response.arrayBuffer();
    return response.status;
  } catch (error) {
    throw faultRefused(service, messageOf(error), error);
  }
}
