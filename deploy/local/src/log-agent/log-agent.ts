import type { Replica } from "../services.ts";
import { followFile, lengthOf } from "./file-lines.ts";
import { followLab } from "./lab-lines.ts";
import { createLokiPush, type PushCounts } from "./loki-push.ts";
import { entryOfLab, entryOfService } from "./service-line.ts";

export interface LogAgentOptions {
  readonly lokiUrl: string;
  /** Undefined when no lab runs. */
  readonly labUrl: string | undefined;
  /** The log of each process. */
  readonly files: readonly { readonly replica: Pick<Replica, "id" | "service">; readonly path: string }[];
  readonly tell: (line: string) => void;
}

export interface LogAgent {
  counts(): PushCounts;
  /** Reads what is there yet and sends it, for at most two seconds. */
  stop(): Promise<void>;
}

const FLUSH_MS = 2_000;

/**
 * Ships logs to Loki as an agent on the machine would: what the lab's services print, and the log file of every process of ours from its
 * present end on. Resolves when it knows those ends, so that what is started then is read from its first line.
 */
export async function startLogAgent({ lokiUrl, labUrl, files, tell }: LogAgentOptions): Promise<LogAgent> {
  const push = createLokiPush({ url: lokiUrl, tell });
  const beginnings = await Promise.all(files.map(({ path }) => lengthOf(path)));
  const readers = files.map(({ replica, path }, index) =>
    followFile({
      path,
      from: beginnings[index] ?? 0,
      hasRoom: () => push.hasRoom(),
      onLine: (text) => push.add(entryOfService(replica, text, Date.now())),
    }),
  );
  let gaps = 0;
  if (labUrl !== undefined)
    readers.push(
      followLab({
        labUrl,
        from: Date.now() / 1_000,
        onLine: (line) => push.add(entryOfLab(line)),
        onGap() {
          if (gaps++ === 0) tell("logs: the lab prints more than one answer of it holds; some lines are missing in Loki");
        },
      }),
    );
  return {
    counts: () => push.counts(),
    async stop() {
      await Promise.all(readers.map((reader) => reader.stop()));
      await push.stop(FLUSH_MS);
    },
  };
}
