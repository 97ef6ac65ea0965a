// Preloaded into a service that is to die at a named boundary: right before or right after it commits, publishes, or changes something over
// HTTP. "After" is after the other side has done it and before this side knows: done but unrecorded. What to die at stands in a file, which is
// taken away first, so that the next process lives.
import { appendFileSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Kafka, type Producer } from "kafkajs";
import pg from "pg";

const folder = process.env["TOCSIN_FAILPOINT_DIR"] ?? "";
const name = process.env["TOCSIN_FAILPOINT_NAME"] ?? "";
/** Boundaries passed since the file was written, by its text. */
let passed = { armed: "", count: 0 };

function reach(when: "before" | "after", what: string): void {
  // One for this service alone, and one for whoever comes by first.
  for (const file of [join(folder, `${name}.json`), join(folder, "any.json")]) {
    if (!existsSync(file)) continue;
    const armed = readFileSync(file, "utf8");
    const point = JSON.parse(armed) as { id: string; when: string; match: string; nth: number };
    if (point.when !== when || !new RegExp(point.match).test(what)) continue;
    passed = passed.armed === armed ? { armed, count: passed.count + 1 } : { armed, count: 1 };
    if (passed.count < point.nth) continue;
    rmSync(file);
    appendFileSync(join(folder, "died"), `${point.id}\t${name} ${when} ${what}\n`);
    process.kill(process.pid, "SIGKILL");
  }
}

async function around<T>(what: string, work: () => Promise<T>): Promise<T> {
  reach("before", what);
  const result = await work();
  reach("after", what);
  return result;
}

const query = pg.Client.prototype.query as (...args: unknown[]) => unknown;
pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
  const [first] = args;
  const text = typeof first === "string" ? first : (first as { text?: unknown } | undefined)?.text;
  if (text !== "COMMIT" || typeof args.at(-1) === "function") return query.apply(this, args);
  return around("commit", () => query.apply(this, args) as Promise<unknown>);
} as typeof pg.Client.prototype.query;

const producer = Kafka.prototype.producer;
Kafka.prototype.producer = function (this: Kafka, config): Producer {
  const made = producer.call(this, config);
  const send = made.sendBatch;
  made.sendBatch = (batch) => around(`publish ${batch.topicMessages?.map(({ topic }) => topic).join(" ")}`, () => send.call(made, batch));
  return made;
};

const plainFetch = globalThis.fetch;
globalThis.fetch = (input, init) => {
  const method = init?.method ?? (input instanceof Request ? input.method : "GET");
  if (method === "GET") return plainFetch(input, init);
  const { pathname } = new URL(input instanceof Request ? input.url : String(input));
  return around(`${method} ${pathname}`, () => plainFetch(input, init));
};
