// What durable ingest costs at the least: read the body, produce each member with all acknowledgements, answer. Nothing is checked, named,
// counted or remembered. What arrives while a request is under way goes together into the next, as in the product's own producer.
import fastify from "fastify";
import { Kafka, logLevel } from "kafkajs";
import { Kafka as ReleasedKafka } from "kafkajs-released";

/** With the product's patched client, or with the client as anybody gets it. */
const Client = process.argv.includes("--released") ? ReleasedKafka : Kafka;
const kafka = new Client({ brokers: [process.env["BROKER"] ?? ""], logLevel: logLevel.NOTHING });
const admin = kafka.admin();
await admin.connect();
await admin.createTopics({ topics: [{ topic: "bare", numPartitions: 8, replicationFactor: 1 }], waitForLeaders: true });
await admin.disconnect();
const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 5 });
await producer.connect();

interface Body {
  readonly alerts: readonly { readonly labels: { readonly cluster: string } }[];
}
let waiting: { messages: { key: string; value: string }[]; done: (error?: Error) => void }[] = [];
let isSending = false;

async function send(): Promise<void> {
  isSending = true;
  while (waiting.length > 0) {
    const batch = waiting;
    waiting = [];
    const error = await producer.send({ topic: "bare", acks: -1, messages: batch.flatMap(({ messages }) => messages) }).then(
      () => undefined,
      (reason: Error) => reason,
    );
    for (const { done } of batch) done(error);
  }
  isSending = false;
}

const app = fastify({ bodyLimit: 16 * 1024 * 1024 });
app.get("/livez", async () => ({}));
app.post("/alerts", async (request, reply) => {
  const { alerts } = request.body as Body;
  await new Promise<void>((resolve, reject) => {
    const messages = alerts.map((alert) => ({ key: alert.labels.cluster, value: JSON.stringify(alert) }));
    waiting.push({ messages, done: (error) => (error ? reject(error) : resolve()) });
    if (!isSending) void send();
  });
  return reply.code(202).send({ accepted: alerts.length });
});
process.on("SIGTERM", () => process.exit(0));
await app.listen({ host: "127.0.0.1", port: Number(process.env["TOCSIN_PORT"]) });
