import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import type { Place } from "./real-process.ts";

export interface TakenPlace {
  readonly folder: string;
  readonly port: number;
  /** For `startProcess`. */
  readonly printing: { readonly logFile?: string };
  /** Removes the folder, unless it was given. */
  leave(): Promise<void>;
}

/** The place that was given, or a temporary folder and a free port. */
export async function takePlace(name: string, place: Place | undefined): Promise<TakenPlace> {
  const folder = place?.folder ?? (await mkdtemp(join(tmpdir(), `tocsin-${name}-`)));
  await mkdir(folder, { recursive: true });
  return {
    folder,
    port: place?.port ?? (await freePort()),
    printing: place?.logFile === undefined ? {} : { logFile: place.logFile },
    async leave() {
      if (place === undefined) await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}
