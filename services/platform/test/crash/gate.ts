import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A door in front of another HTTP server that can be held shut: whoever asks for something that is held waits. */
export interface Gate {
  readonly url: string;
  /** From now on no question that holds this text gets an answer. @returns resolves when somebody waits */
  shutFor(text: string): Promise<void>;
  open(): void;
  close(): Promise<void>;
}

export async function openGate(behind: string): Promise<Gate> {
  let whenOpen: Promise<void> | undefined;
  let open: () => void = () => {};
  let held = "";
  let onWait: () => void = () => {};
  async function forward(method: string, url: string, type: string | undefined, body: Buffer, response: ServerResponse): Promise<void> {
    if (whenOpen && (url.includes(held) || body.includes(held))) {
      onWait();
      await whenOpen;
    }
    const answer = await fetch(behind + url, {
      method,
      ...(method === "GET" ? {} : { body: new Uint8Array(body), headers: { "content-type": type ?? "application/octet-stream" } }),
    });
    const text = Buffer.from(await answer.arrayBuffer());
    response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "text/plain" }).end(text);
  }
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = "GET", url = "/", headers } = request;
    await forward(method, url, headers["content-type"], Buffer.concat(chunks), response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    shutFor(text) {
      held = text;
      whenOpen = new Promise((resolve) => {
        open = resolve;
      });
      return new Promise((resolve) => {
        onWait = resolve;
      });
    },
    open() {
      whenOpen = undefined;
      open();
    },
    close: () =>
      new Promise((resolve) => {
        open();
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
