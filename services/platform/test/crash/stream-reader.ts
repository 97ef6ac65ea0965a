import { setTimeout as delay } from "node:timers/promises";

/** A browser's side of the live stream: reads, and comes back with the last id that it saw. */
export interface StreamReader {
  /** Every id, in the order in which it came; one that was told twice is there twice. */
  readonly ids: readonly number[];
  readonly connections: number;
  stop(): Promise<void>;
}

export function readStream(url: string): StreamReader {
  const ids: number[] = [];
  const ending = new AbortController();
  let connections = 0;

  async function readOnce(): Promise<void> {
    const last = ids.at(-1);
    const answer = await fetch(url, { headers: last === undefined ? {} : { "last-event-id": String(last) }, signal: ending.signal });
    if (!answer.ok || !answer.body) return;
    connections++;
    let text = "";
    for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const frames = text.split("\n\n");
      text = frames.pop() ?? "";
      for (const frame of frames) {
        const id = /^id: ?(\d+)$/m.exec(frame)?.[1];
        if (id !== undefined) ids.push(Number(id));
      }
    }
  }
  const reading = (async () => {
    while (!ending.signal.aborted) {
      await readOnce().catch(() => {});
      await delay(200, undefined, { signal: ending.signal }).catch(() => {});
    }
  })();
  return {
    ids,
    get connections() {
      return connections;
    },
    async stop() {
      ending.abort();
      await reading;
    },
  };
}
