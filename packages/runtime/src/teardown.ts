import { messageOf } from "./app-error.ts";
import type { Logger } from "./logger.ts";

/** Registers the undo of what was just acquired. Steps run in reverse order of registration. */
export type OnStop = (name: string, step: () => unknown | Promise<unknown>) => void;

export interface Teardown {
  readonly onStop: OnStop;
  /**
   * Runs the registered steps, the last one first. A step that fails or takes longer than `stepTimeoutMs` is logged by
   * its name and does not keep the others from running. Calling it again waits for the first call.
   * @returns the names of the steps that failed
   */
  run(): Promise<readonly string[]>;
}

/** @param stepTimeoutMs how long one step may take, in milliseconds. Default 10,000. */
export function createTeardown(log: Logger, stepTimeoutMs = 10_000): Teardown {
  const steps: { name: string; step: () => unknown | Promise<unknown> }[] = [];
  let running: Promise<readonly string[]> | undefined;

  async function runAll(): Promise<readonly string[]> {
    const failed: string[] = [];
    for (let next = steps.pop(); next; next = steps.pop()) {
      const { name, step } = next;
      const startedAt = performance.now();
      let timer: NodeJS.Timeout | undefined;
      try {
        const late = new Promise<never>((_, reject) => {
          timer = setTimeout(() => reject(new Error(`still running after ${stepTimeoutMs} ms`)), stepTimeoutMs);
        });
        await Promise.race([Promise.resolve().then(step), late]);
        log.debug({ step: name, ms: Math.round(performance.now() - startedAt) }, "stopped");
      } catch (error) {
        failed.push(name);
        log.error({ step: name, err: error, reason: messageOf(error) }, "stop step failed");
      } finally {
        clearTimeout(timer);
      }
    }
    return failed;
  }

  return {
    onStop(name, step) {
      steps.push({ name, step });
    },
    run() {
      running ??= runAll();
      return running;
    },
  };
}
