import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface Child {
  readonly lines: readonly string[];
  /** Resolves with the first line that passes. @throws Error when the child ends without one */
  line(passes: (line: string) => boolean): Promise<string>;
  /** Ends it as a crash would, and resolves when it is gone and all it printed is read. */
  kill(): Promise<void>;
}

/** Runs a script of `test/children` in a process of its own. */
export function startChild(script: string, args: readonly string[]): Child {
  const child: ChildProcess = spawn(process.execPath, [new URL(`./children/${script}`, import.meta.url).pathname, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  reader.on("line", (line) => lines.push(line));
  // What it printed may end before it does.
  const gone = Promise.all([once(reader, "close"), once(child, "exit")]);
  return {
    lines,
    line: (passes) =>
      new Promise((resolve, reject) => {
        const known = lines.find(passes);
        if (known !== undefined) return resolve(known);
        reader.on("line", (line) => passes(line) && resolve(line));
        reader.once("close", () => reject(new Error(`${script} ended with ${child.exitCode}`)));
      }),
    async kill() {
      child.kill("SIGKILL");
      await gone;
    },
  };
}
