import type Docker from "dockerode";
import { targetConfigRefused } from "../errors.ts";
import { configNames, configValue, type Inspected, labelsOf, nameOf } from "./container-view.ts";
import { ask } from "./docker-calls.ts";
import { LABELS } from "./labels.ts";
import { replaceContainer } from "./replace-container.ts";
import type { Difference } from "./successor.ts";

export interface ConfigChange {
  readonly name: string;
  readonly value: string | null;
}

type Limits = NonNullable<Difference["limits"]>;
const LIMITS = ["memory", "cpus", "pids"];
const UNITS: Readonly<Record<string, number>> = { "": 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };
/** Docker's own lower bound. */
const MIN_MEMORY_BYTES = 6 * 1024 ** 2;

/** @throws AppError `TARGET_CONFIG_REFUSED` when the owner's label does not name it or the value cannot be one */
export function assertConfigurable(id: string, containers: readonly Inspected[], { name, value }: ConfigChange): void {
  const known = configNames(containers);
  if (!known.includes(name)) throw targetConfigRefused(id, `${JSON.stringify(name)} is not among what its label allows`, known);
  if (value === null) return;
  if (LIMITS.includes(name)) {
    if (Number.isNaN(amountOf(name, value))) throw targetConfigRefused(id, `${JSON.stringify(value)} is no amount of ${name}`, known);
  } else if (value.length > 4_096 || /\p{Cc}/u.test(value)) throw targetConfigRefused(id, "a value has no control characters", known);
}

/** Bytes, cores or processes; NaN when the text is no such amount. */
function amountOf(name: string, text: string): number {
  if (name === "memory") {
    const [, amount, unit] = /^([1-9]\d{0,14})([bkmg]?)$/i.exec(text) ?? [];
    const bytes = Number(amount) * (UNITS[(unit ?? "?").toLowerCase()] ?? Number.NaN);
    return bytes >= MIN_MEMORY_BYTES ? bytes : Number.NaN;
  }
  if (name === "cpus") return /^(0\.\d{1,4}|[1-9]\d{0,2}(\.\d{1,4})?)$/.test(text) && Number(text) > 0 ? Number(text) : Number.NaN;
  return /^[1-9]\d{0,6}$/.test(text) ? Number(text) : Number.NaN;
}

/** Memory with swap keeps its relation to memory, so that setting the old value brings back the old pair. */
function limitsFor(container: Inspected, name: string, value: string | null): Limits {
  const { Memory: memory = 0, MemorySwap: swap = 0 } = container.HostConfig;
  if (name === "cpus") return { NanoCpus: value === null ? 0 : Math.round(amountOf(name, value) * 1e9) };
  if (name === "pids") return { PidsLimit: value === null ? 0 : amountOf(name, value) };
  if (value === null) return { Memory: 0, MemorySwap: 0 };
  const bytes = amountOf(name, value);
  const swapBytes = swap <= 0 ? swap : memory > 0 ? Math.round((swap / memory) * bytes) : bytes;
  return { Memory: bytes, MemorySwap: swapBytes };
}

/** Is the value there already? Amounts are compared as amounts. */
function isSet(container: Inspected, { name, value }: ConfigChange): boolean {
  const now = configValue(container, name);
  if (now === null || value === null || !LIMITS.includes(name)) return now === value;
  return amountOf(name, now) === amountOf(name, value);
}

/**
 * Sets one value of one container. A limit is changed while it runs; an environment variable, and a limit that is taken away, need the
 * container to be made anew: Docker takes a limit of 0 as no change.
 */
export async function configure(
  docker: Docker,
  container: Inspected,
  change: ConfigChange,
  options: { readonly operationId: string; readonly graceSeconds: number },
): Promise<void> {
  // Made by this very operation, and maybe not to its end: a crash can have come between.
  if (labelsOf(container)[LABELS.operation] === options.operationId) return replaceContainer(docker, container, {}, options);
  if (isSet(container, change)) return;
  const { name, value } = change;
  if (!LIMITS.includes(name)) return replaceContainer(docker, container, { env: { name, value } }, options);
  const limits = limitsFor(container, name, value);
  if (value === null) return replaceContainer(docker, container, { limits }, options);
  await ask(`update ${nameOf(container)}`, () => docker.getContainer(container.Id).update({ ...limits }));
}
