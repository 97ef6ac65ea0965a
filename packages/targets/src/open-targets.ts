import type { Logger } from "@tocsin/runtime";
import { targetUrlInvalid, targetUrlUnknownScheme } from "./errors.ts";
import type { TargetPort } from "./target-port.ts";

export interface OpenTargetsOptions {
  /** `lab:`, `docker:///var/run/docker.sock`, `docker+http://docker-proxy:2375` or `none:`. */
  readonly url: string;
  /** Base address of the lab's API, for `lab:`. */
  readonly labUrl: string;
  readonly log: Logger;
}

/**
 * Opens what can be acted on. The client library of an adapter is loaded only when its scheme is asked for.
 *
 * @throws AppError `TARGET_URL_UNKNOWN_SCHEME`, `TARGET_URL_INVALID` (details.known names the forms)
 */
export async function openTargets({ url, labUrl, log }: OpenTargetsOptions): Promise<TargetPort> {
  const scheme = /^([a-z+]+):/.exec(url)?.[1];
  if (scheme === "lab") return (await import("./lab/lab-targets.ts")).labTargets(labUrl);
  if (scheme === "docker" || scheme === "docker+http") {
    const connection = dockerConnectionOf(url);
    if (connection === undefined) throw targetUrlInvalid(url);
    return (await import("./docker/docker-targets.ts")).dockerTargets({ connection, log });
  }
  if (scheme === "none") return (await import("./no-targets.ts")).noTargets();
  throw targetUrlUnknownScheme(url);
}

/** No plain TCP to the daemon itself: that form is for a proxy on a network that only the executor shares with it. */
function dockerConnectionOf(url: string) {
  const socketPath = /^docker:\/\/(\/.+)$/.exec(url)?.[1];
  if (socketPath !== undefined) return { socketPath };
  const [, host, port] = /^docker\+http:\/\/([\w.-]+):(\d{1,5})\/?$/.exec(url) ?? [];
  return host === undefined ? undefined : { protocol: "http" as const, host, port: Number(port) };
}
