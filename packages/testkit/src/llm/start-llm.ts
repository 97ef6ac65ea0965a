// A server that speaks a provider's protocol, answers what it is told, and fails as providers, proxies and networks do.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { anthropic, ollama, openai, type Protocol, type ServedReply } from "./protocols.ts";

const PROTOCOLS = { anthropic, openai, ollama } as const;
export type LlmProtocol = keyof typeof PROTOCOLS;

export type LlmBehaviour =
  | ({ readonly kind: "reply" } & ServedReply)
  | {
      readonly kind: "status";
      readonly status: number;
      /** The provider's name for it. */
      readonly type?: string;
      readonly message?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** HTTP 200, some text, then an error. */
  | { readonly kind: "error-in-stream"; readonly type: string; readonly message?: string }
  /** The connection breaks after some text. */
  | { readonly kind: "cut" }
  /** The stream ends in order, the answer does not. */
  | { readonly kind: "ends-early" }
  /** Blank lines or comments for ever. */
  | { readonly kind: "keep-alive" }
  /** A letter now and then, for ever. */
  | { readonly kind: "drip" }
  /** Text for ever, as fast as it goes. */
  | { readonly kind: "endless" }
  /** The right content type around something else. */
  | { readonly kind: "garbage" }
  /** HTTP 200 and the page of a proxy. */
  | { readonly kind: "html" }
  /** The request is read, and that is all. */
  | { readonly kind: "silence" }
  /** The connection breaks before an answer. */
  | { readonly kind: "reset" };

export interface LlmServerOptions {
  readonly protocol: LlmProtocol;
  /** Models that it has. Default `stand-in`. */
  readonly models?: readonly string[];
  readonly key?: string;
}

export interface LlmServer {
  readonly protocol: LlmProtocol;
  /** What is given to the client: with `/v1` for OpenAI. */
  readonly url: string;
  readonly key: string;
  /** Bodies of the questions, the oldest first. */
  readonly requests: readonly Record<string, unknown>[];
  /** Connections that are open now. */
  readonly open: number;
  /** What the next questions meet, one after the other; afterwards the default again, a reply of `ok`. */
  next(...behaviours: readonly LlmBehaviour[]): void;
  close(): Promise<void>;
}

/** Starts the stand-in on 127.0.0.1. */
export async function startLlm({ protocol: name, models = ["stand-in"], key = "stand-in-key" }: LlmServerOptions): Promise<LlmServer> {
  const protocol: Protocol = PROTOCOLS[name];
  const queue: LlmBehaviour[] = [];
  const requests: Record<string, unknown>[] = [];
  const server = createServer((request, response) => void answer(request, response));

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    const path = (request.url ?? "").split("?")[0] ?? "";
    const refusal = protocol.refusal(request.headers, body, key, models);
    if (refusal !== undefined) return sendJson(response, ...refusal);
    if (path !== protocol.path) return sendJson(response, ...otherAnswer(path));
    // A chat without messages loads the model.
    if (name === "ollama" && (body["messages"] as unknown[]).length === 0)
      return sendJson(response, 200, { model: body["model"], done: true, done_reason: "load" });
    requests.push(body);
    await behave(queue.shift() ?? { kind: "reply", text: "ok" }, String(body["model"]), body, response);
  }

  function otherAnswer(path: string): [number, unknown] {
    const model = decodeURIComponent(path.split("/").at(-1) ?? "");
    if (name === "openai" && path === "/v1/models") return [200, { object: "list", data: models.map((id) => ({ id, object: "model" })) }];
    if (name === "anthropic" && path.startsWith("/v1/models/") && models.includes(model)) return [200, { type: "model", id: model }];
    return [404, protocol.errorBody("not_found_error", `${path} not found`)];
  }

  async function behave(behaviour: LlmBehaviour, model: string, body: Record<string, unknown>, response: ServerResponse): Promise<void> {
    const open = () => response.writeHead(200, { "content-type": protocol.contentType, "request-id": "req_1", "x-request-id": "req_1" });
    const some = protocol.frames(model, { text: "half of an" }, body).body;
    const every = (ms: number, text: string) => {
      const timer = setInterval(() => response.write(text), ms);
      response.on("close", () => clearInterval(timer));
    };
    switch (behaviour.kind) {
      case "reply": {
        const { body: frames, end } = protocol.frames(model, behaviour, body);
        open();
        for (const frame of [...frames, ...end]) response.write(frame);
        response.end();
        return;
      }
      case "status": {
        const { status, type = "api_error", message = `scripted ${status}`, headers = {} } = behaviour;
        return sendJson(response, status, protocol.errorBody(type, message), headers);
      }
      case "error-in-stream":
        open();
        response.end([...some, protocol.errorFrame(behaviour.type, behaviour.message ?? "scripted")].join(""));
        return;
      case "cut":
        open();
        response.write(some.join(""), () => setImmediate(() => response.socket?.resetAndDestroy()));
        return;
      case "ends-early":
        open();
        response.end(some.join(""));
        return;
      case "keep-alive":
        open();
        response.write(protocol.keepAlive);
        return every(20, protocol.keepAlive);
      case "drip":
        open();
        response.write(some.join(""));
        return every(20, protocol.piece(model, "."));
      case "endless": {
        open();
        response.write(some.join(""));
        const piece = protocol.piece(model, "and then ".repeat(50)).repeat(4);
        const pour = () => {
          while (!response.destroyed && response.write(piece));
          if (!response.destroyed) response.once("drain", () => setImmediate(pour));
        };
        return pour();
      }
      case "garbage":
        open();
        response.end(name === "ollama" ? "{half a line\n" : "event: message_start\ndata: {half a line\n\n");
        return;
      case "html":
        response.writeHead(200, { "content-type": "text/html" });
        response.end("<html><body>Please log in</body></html>");
        return;
      case "silence":
        return;
      case "reset":
        response.socket?.resetAndDestroy();
        return;
      default:
        behaviour satisfies never;
    }
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  let open = 0;
  server.on("connection", (socket) => {
    open++;
    socket.on("close", () => open--);
  });
  return {
    protocol: name,
    url: `http://127.0.0.1:${port}${name === "openai" ? "/v1" : ""}`,
    key,
    requests,
    get open() {
      return open;
    },
    next: (...behaviours) => void queue.push(...behaviours),
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const text = Buffer.concat(parts).toString();
  return text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
}

function sendJson(response: ServerResponse, status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { "content-type": "application/json", "request-id": "req_1", ...headers });
  response.end(JSON.stringify(body));
}
