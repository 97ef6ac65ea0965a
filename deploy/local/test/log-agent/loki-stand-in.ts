import { createServer } from "node:http";

interface Pushed {
  readonly streams: readonly {
    readonly stream: Readonly<Record<string, string>>;
    readonly values: readonly (readonly [string, string])[];
  }[];
}

export type Answer = readonly [status: number, text: string];

export interface LokiStandIn {
  readonly url: string;
  /** The body of each request, whatever was answered. */
  readonly requests: readonly Pushed[];
  /** What it took, in order of arrival. */
  taken(): { labels: Readonly<Record<string, string>>; ns: string; text: string }[];
  stop(): Promise<void>;
}

/** Answers pushes with the statuses given, then with 204. */
export async function lokiStandIn(...answers: readonly Answer[]): Promise<LokiStandIn> {
  const left = [...answers];
  const requests: Pushed[] = [];
  const accepted: Pushed[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const pushed = JSON.parse(Buffer.concat(parts).toString()) as Pushed;
      requests.push(pushed);
      const [status, text] = left.shift() ?? [204, ""];
      if (status === 204) accepted.push(pushed);
      response.writeHead(status).end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    requests,
    taken: () =>
      accepted.flatMap(({ streams }) =>
        streams.flatMap(({ stream, values }) => values.map(([ns, text]) => ({ labels: stream, ns, text }))),
      ),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
