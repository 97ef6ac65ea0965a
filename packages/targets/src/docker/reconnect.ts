import { messageOf } from "@tocsin/runtime";
import type Docker from "dockerode";
import { targetFailed, targetUnsupported } from "../errors.ts";
import { type Inspected, nameOf } from "./container-view.ts";
import { ask } from "./docker-calls.ts";
import { endpointsOf } from "./successor.ts";

/** What is gone from the daemon once a network was left, so it is tried again a few times before it is given up. */
const TRIES = 3;

/**
 * Leaves each named network and joins it again under the same aliases: a new address, a new entry with the resolver.
 *
 * @throws AppError `TARGET_UNSUPPORTED` for a container without a named network; `TARGET_FAILED` with the network that it could not join again
 */
export async function reconnect(docker: Docker, container: Inspected): Promise<void> {
  const name = nameOf(container);
  const endpoints = Object.entries(endpointsOf(container));
  if (endpoints.length === 0) throw targetUnsupported(`${name} is on no network that it could join again`);
  for (const [network, endpoint] of endpoints) {
    const handle = docker.getNetwork(network);
    await ask(`disconnect ${name} from ${network}`, () => handle.disconnect({ Container: container.Id, Force: true }));
    await join(network, name, () => handle.connect({ Container: container.Id, EndpointConfig: endpoint }));
  }
}

async function join(network: string, name: string, connect: () => Promise<unknown>): Promise<void> {
  for (let tried = 1; ; tried++) {
    try {
      await ask(`connect ${name} to ${network}`, connect);
      return;
    } catch (error) {
      if (tried >= TRIES) throw targetFailed(`joining ${network} again`, undefined, `${name} is off it: ${messageOf(error)}`, error);
    }
  }
}
