// The patched client writes produce requests straight into one buffer. What it writes is read back here by the unpatched decoder of the same
// client, and its checksum compared with the one that takes a bit at a time; that a broker takes it is seen in kafka-bus.int.test.ts.
import { createRequire } from "node:module";
import * as fc from "fast-check";
import { expect, test } from "vitest";

const client = createRequire(import.meta.resolve("kafkajs"));
interface Decoder {
  readonly buffer: Buffer;
  readInt8(): number;
  readInt16(): number;
  readInt32(): number;
  readString(): string;
  readBytes(length: number): Buffer;
}
type Decode = (decoder: Decoder) => Promise<{ records: Record<string, unknown>[]; [field: string]: unknown }>;
const Decoder = client("./src/protocol/decoder.js") as new (bytes: Buffer) => Decoder;
const Encoder = client("./src/protocol/encoder.js") as new () => { writeVarLong(value: number): { buffer: Buffer } };
const Long = client("./src/utils/long.js") as { fromValue(value: number): unknown };
const crc32c = client("./src/protocol/recordBatch/crc32C/index.js") as (bytes: Buffer) => number;
const decodeBatch = client("./src/protocol/recordBatch/v0/decoder.js") as Decode;
const produce = client("./src/protocol/requests/produce/v7/request.js") as (request: object) => object;
const frame = client("./src/protocol/request.js") as (request: object) => Promise<{ buffer: Buffer }>;

/** CRC-32C by its definition. */
function slowly(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

async function readBack(request: Buffer) {
  const decoder = new Decoder(request);
  expect(decoder.readInt32()).toBe(request.length - 4);
  expect([decoder.readInt16(), decoder.readInt16(), decoder.readInt32()]).toEqual([0, 7, 1]);
  expect(decoder.readString()).toBe("tocsin");
  expect([decoder.readInt16(), decoder.readInt16(), decoder.readInt32(), decoder.readInt32()]).toEqual([-1, -1, 10_000, 1]);
  expect(decoder.readString()).toBe("sre-critical");
  const partitions = [];
  for (let left = decoder.readInt32(); left > 0; left--) {
    const partition = decoder.readInt32();
    const bytes = decoder.readBytes(decoder.readInt32());
    expect(bytes.readInt32BE(8)).toBe(bytes.length - 12); // the length in the batch, after its first offset
    expect(bytes.readUInt32BE(17)).toBe(slowly(bytes.subarray(21))); // after epoch and magic byte
    partitions.push({ partition, batch: await decodeBatch(new Decoder(bytes)) });
  }
  return partitions;
}

const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 80 }),
  fc.string({ minLength: 60, maxLength: 70 }), // the length takes one byte up to 63
  fc.constant("é".repeat(5_000)), // more than the scratch holds at first
);
/** The decoder takes a header that is named like something every object inherits for one that came twice. */
const headerName = fc.string({ unit: "grapheme", maxLength: 70 }).filter((name) => !(name in {}));
const message = fc.record({
  key: text,
  value: text,
  headers: fc.dictionary(headerName, text, { maxKeys: 8 }),
});

test("what the client writes is what was given to it, with its lengths and its checksum", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(message, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 3 }), async (partitions) => {
      const topicData = [
        { topic: "sre-critical", partitions: partitions.map((messages, partition) => ({ partition, messages, firstSequence: 41 })) },
      ];
      const request = produce({ acks: -1, timeout: 10_000, producerId: 7, producerEpoch: 3, topicData });
      const read = await readBack((await frame({ correlationId: 1, clientId: "tocsin", request })).buffer);
      const bytes = (given: string) => Buffer.from(given);
      expect(read).toMatchObject(
        partitions.map((messages, partition) => ({
          partition,
          batch: {
            firstSequence: 41,
            producerEpoch: 3,
            records: messages.map(({ key, value, headers }) => ({
              key: bytes(key),
              value: bytes(value),
              headers: Object.fromEntries(Object.entries(headers).map(([name, one]) => [name, bytes(one)])),
            })),
          },
        })),
      );
    }),
    { numRuns: 50 },
  );
});

test("the checksum is CRC-32C for any bytes, also a few or none", () => {
  expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
  void fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => crc32c(Buffer.from(bytes)) === slowly(bytes)));
});

test("a number has the same long form whether or not it fits into 32 bits", () => {
  void fc.assert(
    fc.property(fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.constantFrom(0, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 31)), (value) => {
      const written = new Encoder().writeVarLong(value).buffer;
      expect(written).toEqual(new Encoder().writeVarLong(Long.fromValue(value) as number).buffer);
    }),
  );
});
