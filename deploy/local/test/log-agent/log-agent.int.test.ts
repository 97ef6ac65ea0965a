import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger, systemClock } from "@tocsin/runtime";
import { type OpenedSignals, openSignals } from "@tocsin/signals";
import { eventually, freePort, lacksLoki, type RunningLoki, startLoki } from "@tocsin/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type LogAgent, startLogAgent } from "../../src/log-agent/log-agent.ts";
import { type RunningService, startService } from "../../src/service-process.ts";

// The first run on a machine builds Loki, which takes minutes.
const BUILD_MS = 1_800_000;

describe.skipIf(lacksLoki())("the lab's logs in a real Loki", () => {
  let folder: string;
  let loki: RunningLoki;
  let lab: RunningService;
  let agent: LogAgent;
  let signals: OpenedSignals;
  const told: string[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "tocsin-log-agent-"));
    loki = await startLoki();
    const labUrl = `http://127.0.0.1:${await freePort()}`;
    const path = join(folder, "lab-1.log");
    const tell = (line: string) => void told.push(line);
    agent = await startLogAgent({ lokiUrl: loki.url, labUrl, files: [{ replica: { id: "lab-1", service: "lab" }, path }], tell });
    lab = await startService("lab", {
      env: { TOCSIN_LAB_PORT: new URL(labUrl).port, TOCSIN_LAB_RULER: "off", TOCSIN_MODULES: "lab" },
      logFile: path,
    });
    signals = await openSignals({
      metricsUrl: "none:",
      logsUrl: loki.url,
      tracesUrl: "none:",
      labUrl: "",
      log: silentLogger,
      clock: systemClock,
    });
  }, BUILD_MS);
  afterAll(async () => {
    await lab?.stop();
    await agent?.stop();
    await signals?.close();
    await loki?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Its lines once this one is among them: they come in batches. */
  const linesOf = (service: string, awaited: string) =>
    eventually(`lines of ${service}`, async () => {
      const now = Date.now() / 1_000;
      const { value } = await signals.logs.lines(service, { from: now - 600, to: now + 1 }, 1_000);
      return value.some(({ message }) => message.includes(awaited)) ? value : undefined;
    });

  test("an investigation finds a service's lines under its name, with level and time", async () => {
    const lines = await linesOf("checkout", "listens on port");
    expect(lines[0]).toMatchObject({ service: "checkout", level: "info", message: expect.stringContaining("listens on port") });
    expect(Math.abs((lines[0]?.at ?? 0) - Date.now() / 1_000)).toBeLessThan(120);
    expect(told).toEqual([]);
  });

  test("and those of a process of ours under its own", async () => {
    const lines = await linesOf("tocsin-lab", "lab ready");
    expect(lines.map(({ message }) => message)).toContain("lab ready");
  });
});
