import { expect, test } from "vitest";
import { createDemultiplexer } from "../../src/docker/demultiplex.ts";

const frame = (stream: number, text: string) => {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
};
const stream = Buffer.concat([frame(1, "out\n"), frame(2, ""), frame(2, "err\n"), frame(1, "x".repeat(300))]);

test.each([1, 2, 3, 7, 8, 9, 100, 10_000])("takes frames apart when chunks have %d bytes", (size) => {
  let text = "";
  const demultiplex = createDemultiplexer((payload) => {
    text += payload.toString();
  });
  for (let at = 0; at < stream.length; at += size) demultiplex(stream.subarray(at, at + size));
  expect(text).toBe(`out\nerr\n${"x".repeat(300)}`);
});
