import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type RunningHost, startHost } from "@tocsin/host";
import { freePort } from "@tocsin/testkit";
import { MODULES } from "../src/modules.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

export interface PlatformUnderTest {
  readonly host: RunningHost;
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body: unknown): Promise<{ status: number; body: T }>;
  stop(): Promise<void>;
}

/** The platform with all its modules in this process, on free ports and a data folder of its own. */
export async function platformUnderTest(name: string, env: Readonly<Record<string, string>> = {}): Promise<PlatformUnderTest> {
  const folder = mkdtempSync(join(tmpdir(), "tocsin-e2e-"));
  const host = await startHost({
    modules: MODULES,
    env: {
      // What it logs stays behind for whoever has to find out why a test failed.
      TOCSIN_LOG_FILE: join(ROOT, ".artifacts", `platform-${name}.log`),
      TOCSIN_PORT: "0",
      TOCSIN_LAB_PORT: String(await freePort()),
      TOCSIN_STORE_URL: `embedded:${join(folder, "store")}`,
      TOCSIN_SRE_AGENT_RUNBOOKS_DIR: join(ROOT, "runbooks"),
      TOCSIN_EXECUTOR_RUNBOOKS_DIR: join(ROOT, "runbooks"),
      TOCSIN_CONSOLE_RUNBOOKS_DIR: join(ROOT, "runbooks"),
      // Shorter than what people want to see, long enough for a relapse to show.
      TOCSIN_SRE_AGENT_SOAK_SECONDS: "4",
      TOCSIN_SRE_AGENT_CLOSE_AFTER_SECONDS: "3",
      ...env,
    },
  });
  async function call<T>(path: string, init?: RequestInit): Promise<{ status: number; body: T }> {
    const answer = await fetch(host.address + path, init);
    return { status: answer.status, body: (await answer.json()) as T };
  }
  return {
    host,
    get: async <T>(path: string) => {
      const { status, body } = await call<T>(path);
      if (status !== 200) throw new Error(`GET ${path}: ${status} ${JSON.stringify(body)}`);
      return body;
    },
    post: (path, body) => call(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    async stop() {
      await host.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
