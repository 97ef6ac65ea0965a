import { createTeardown, silentLogger } from "@tocsin/runtime";
import { startLab } from "../src/lab.ts";

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into by expectations, which say more than a type would
export type Json = any;

export interface TestLab {
  readonly address: string;
  call(method: string, path: string, body?: object): Promise<{ status: number; body: Json }>;
  /** Where a service listens, e.g. `http://127.0.0.1:40123`. */
  addressOf(service: string): Promise<string>;
  /** One request to a service: its status, or undefined when it does not answer within `timeoutMs`. */
  visit(service: string, method: string, path: string, timeoutMs?: number): Promise<number | undefined>;
  /** The value of a metric, summed over its series that match; undefined when the service does not answer. */
  metric(service: string, pattern: RegExp): Promise<number | undefined>;
  act(service: string, verb: string, more?: object): Promise<{ status: number; body: Json }>;
  stop(): Promise<readonly string[]>;
}

/** A lab of real processes on free ports, without load. */
export async function testLab(services: readonly string[], more: { readonly otlpEndpoint?: string } = {}): Promise<TestLab> {
  const teardown = createTeardown(silentLogger);
  const options = { log: silentLogger, onStop: teardown.onStop, host: "127.0.0.1", port: 0, requestsPerSecond: 0, seed: 1 };
  const { address } = await startLab({ ...options, ...more, services });
  let operations = 0;

  async function call(method: string, path: string, body?: object) {
    const init = body ? { body: JSON.stringify(body), headers: { "content-type": "application/json" } } : {};
    const response = await fetch(address + path, { method, ...init });
    return { status: response.status, body: (await response.json()) as Json };
  }
  async function addressOf(service: string) {
    const { body } = await call("GET", "/v1/scrape-targets");
    return `http://${body.find((target: Json) => target.labels.service === service).targets[0]}`;
  }
  const ask = async (service: string, method: string, path: string, timeoutMs = 3_000) => {
    try {
      const response = await fetch((await addressOf(service)) + path, { method, signal: AbortSignal.timeout(timeoutMs) });
      return { status: response.status, text: await response.text() };
    } catch {
      return undefined;
    }
  };
  return {
    address,
    call,
    addressOf,
    visit: async (...request) => (await ask(...request))?.status,
    async metric(service, pattern) {
      const lines = (await ask(service, "GET", "/metrics", 1_000))?.text.split("\n").filter((line) => pattern.test(line));
      return lines?.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
    },
    act: (service, verb, more = {}) =>
      call("POST", `/v1/services/${service}/${verb}`, { operationId: `test-${++operations}`, timeoutMs: 10_000, ...more }),
    stop: () => teardown.run(),
  };
}
