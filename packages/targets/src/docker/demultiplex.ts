/**
 * Takes apart the stream that Docker sends for containers without a TTY: frames of 8 bytes of header (stream type, three
 * zeros, the length big-endian) and payload. Chunks may break anywhere.
 *
 * @returns to be called with each chunk
 */
export function createDemultiplexer(onPayload: (payload: Buffer) => void): (chunk: Buffer) => void {
  let header = Buffer.alloc(0);
  let left = 0;
  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      if (left > 0) {
        const payload = chunk.subarray(at, at + left);
        onPayload(payload);
        left -= payload.length;
        at += payload.length;
        continue;
      }
      const wanted = chunk.subarray(at, at + 8 - header.length);
      header = Buffer.concat([header, wanted]);
      at += wanted.length;
      if (header.length === 8) {
        left = header.readUInt32BE(4);
        header = Buffer.alloc(0);
      }
    }
  };
}
