import { type FileHandle, open, stat } from "node:fs/promises";
import { type Following, repeat } from "./repeat.ts";

export interface FollowOptions {
  readonly path: string;
  /** Byte to begin at. */
  readonly from: number;
  readonly onLine: (text: string) => void;
  /** While it says no, the file keeps what it has. */
  readonly hasRoom: () => boolean;
  readonly everyMs?: number;
}

const READ_BYTES = 256 * 1024;
/** A line without an end is handed over in pieces of this many bytes. */
const LINE_BYTES = 64 * 1024;

/** How long a file is; 0 when it is not there yet. */
export const lengthOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

/** Hands over each whole line that is added to a file, which may come into being later, be cut short or be replaced. */
export function followFile({ path, from, onLine, hasRoom, everyMs = 500 }: FollowOptions): Following {
  let at = from;
  let inode: number | undefined;
  let rest: Buffer = Buffer.alloc(0);

  async function read(): Promise<void> {
    let file: FileHandle;
    try {
      file = await open(path);
    } catch {
      return; // not there yet, or just being replaced
    }
    try {
      const { size, ino } = await file.stat();
      if (size < at || (inode !== undefined && inode !== ino)) {
        at = 0;
        rest = Buffer.alloc(0);
      }
      inode = ino;
      while (at < size && hasRoom()) {
        const chunk = Buffer.alloc(Math.min(READ_BYTES, size - at));
        const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
        if (bytesRead === 0) return;
        at += bytesRead;
        take(chunk.subarray(0, bytesRead));
      }
    } finally {
      await file.close();
    }
  }

  function take(chunk: Buffer): void {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let begin = 0;
    for (;;) {
      const found = bytes.indexOf(0x0a, begin);
      const end = found === -1 && bytes.length - begin > LINE_BYTES ? begin + LINE_BYTES : found;
      if (end === -1) break;
      if (end > begin) onLine(bytes.toString("utf8", begin, end));
      begin = found === -1 ? end : end + 1;
    }
    rest = Buffer.from(bytes.subarray(begin));
  }

  return repeat(read, everyMs);
}
