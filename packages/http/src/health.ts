import { messageOf } from "@tocsin/runtime";

export interface HealthReport {
  readonly ready: boolean;
  /** What is asked for and whether it is up; `error` says why not. */
  readonly checks: Readonly<Record<string, { up: boolean; required: boolean; error?: string }>>;
}

/** How long one check may take before it counts as down. */
const CHECK_TIMEOUT_MS = 2_000;

export interface Health {
  add(name: string, check: () => Promise<void>, options?: { required?: boolean }): void;
  drain(): void;
  report(): Promise<HealthReport>;
}

export function createHealth(): Health {
  const checks = new Map<string, { check: () => Promise<void>; required: boolean }>();
  let draining = false;

  async function ask(check: () => Promise<void>): Promise<string | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve(`no answer within ${CHECK_TIMEOUT_MS} ms`), CHECK_TIMEOUT_MS);
    });
    try {
      return await Promise.race([check().then(() => undefined), late]);
    } catch (error) {
      return messageOf(error);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    add(name, check, { required = true } = {}) {
      checks.set(name, { check, required });
    },
    drain() {
      draining = true;
    },
    async report() {
      const answers = await Promise.all(
        [...checks].map(async ([name, { check, required }]) => {
          const error = await ask(check);
          return [name, { up: error === undefined, required, ...(error === undefined ? {} : { error }) }] as const;
        }),
      );
      const all = draining ? [...answers, ["process", { up: false, required: true, error: "stopping" }] as const] : answers;
      return { ready: all.every(([, { up, required }]) => up || !required), checks: Object.fromEntries(all) };
    },
  };
}
