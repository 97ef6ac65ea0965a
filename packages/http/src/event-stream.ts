import type { FastifyReply, FastifyRequest } from "fastify";

export interface StreamFrame {
  readonly id: string;
  readonly event: string;
  readonly data: unknown;
}

export interface EventStream {
  /**
   * Sends one event. When the client reads too slowly and more than `maxBufferedBytes` wait, it is disconnected: it
   * comes back with `Last-Event-ID` and misses nothing.
   * @returns false once the stream has ended
   */
  send(frame: StreamFrame): boolean;
  /** Sends frames that are written out already, e.g. once for many clients. @returns false once the stream has ended */
  sendRaw(frames: Uint8Array): boolean;
  /** Aborts when the client has gone, was dropped or the server stops. */
  readonly signal: AbortSignal;
  /** What the client has seen last, from `Last-Event-ID` or `?lastEventId=`. */
  readonly lastEventId: string | undefined;
  end(): void;
}

export interface EventStreamOptions {
  /** Default 1 MiB. */
  readonly maxBufferedBytes?: number;
  /** A comment every so often keeps proxies from closing a quiet stream. Default 15,000 ms. */
  readonly keepAliveMs?: number;
  /** When the client should try again after a break, in milliseconds. Default 1,000. */
  readonly retryMs?: number;
}

/**
 * Turns a reply into a stream of server-sent events. It ends on `close` and on `error` of the socket, not on `drain` alone, so that a
 * peer that vanishes leaves nothing behind.
 *
 * @see WHATWG HTML, section 9.2 "Server-sent events"
 */
export function openEventStream(request: FastifyRequest, reply: FastifyReply, options: EventStreamOptions = {}): EventStream {
  const { maxBufferedBytes = 1024 * 1024, keepAliveMs = 15_000, retryMs = 1_000 } = options;
  reply.hijack();
  const { raw } = reply;
  const ended = new AbortController();
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
    connection: "keep-alive",
  });
  raw.write(`retry: ${retryMs}\n\n`);
  const keepAlive = setInterval(() => write(": \n\n"), keepAliveMs);
  keepAlive.unref();

  function finish(): void {
    if (ended.signal.aborted) return;
    clearInterval(keepAlive);
    ended.abort();
  }
  function write(text: string | Uint8Array): boolean {
    if (ended.signal.aborted) return false;
    raw.write(text);
    if (raw.writableLength > maxBufferedBytes) {
      finish();
      raw.destroy();
      return false;
    }
    return true;
  }
  raw.once("close", finish);
  raw.once("error", finish);

  const fromHeader = request.headers["last-event-id"];
  const fromQuery = (request.query as { lastEventId?: unknown } | undefined)?.lastEventId;
  return {
    send: ({ id, event, data }) => write(`id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`),
    sendRaw: write,
    signal: ended.signal,
    lastEventId: typeof fromHeader === "string" ? fromHeader : typeof fromQuery === "string" ? fromQuery : undefined,
    end() {
      finish();
      raw.end();
    },
  };
}
