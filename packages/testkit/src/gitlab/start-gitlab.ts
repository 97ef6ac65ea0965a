// A GitLab that speaks what the product uses of REST v4 and GraphQL, acts on quick actions as GitLab would, and fails on demand.
import fastify, { type FastifyReply, type FastifyRequest } from "fastify";
import { createFailures, type Failure, type Script } from "./failures.ts";
import { answerGraphql } from "./graphql.ts";
import { createIssues, type Effects, type GitlabIssue, type GitlabUser } from "./issues.ts";
import { restRoutes } from "./rest.ts";

export interface GitlabOptions {
  /** Default: any free one. */
  readonly port?: number;
  readonly token?: string;
  /** Id and full path of the one project there is. */
  readonly projectId?: number;
  readonly projectPath?: string;
  readonly users?: readonly GitlabUser[];
}

export interface RecordedRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  /** What it was answered; 0 when it was not. */
  status: number;
}

export interface Gitlab {
  readonly url: string;
  readonly token: string;
  readonly projectId: number;
  readonly projectPath: string;
  readonly issues: readonly GitlabIssue[];
  /** Every request, the oldest first. */
  readonly requests: readonly RecordedRequest[];
  /** What text has done besides being text: quick actions that ran, people mentioned, things referenced. */
  readonly effects: Effects;
  fail(script: Script): void;
  /** Ends what `fail` began. */
  recover(): void;
  /** Failures that no request has met yet. */
  readonly pendingFailures: number;
  close(): Promise<void>;
}

/** Starts the stand-in on 127.0.0.1. */
export async function startGitlab(options: GitlabOptions = {}): Promise<Gitlab> {
  const { port = 0, token = "glpat-stand-in-token", projectId = 77, projectPath = "ops/incidents" } = options;
  const users = options.users ?? [
    { id: 1, username: "tocsin-bot" },
    { id: 2, username: "on-call" },
  ];
  const project = createIssues(users);
  const failures = createFailures();
  const requests: RecordedRequest[] = [];
  const recordOf = new WeakMap<FastifyRequest, RecordedRequest>();
  const failureOf = new WeakMap<FastifyRequest, Failure>();
  const silent = new Set<FastifyReply>();
  const app = fastify({ forceCloseConnections: true, bodyLimit: 4 * 1024 * 1024 });
  let url = "";

  app.addHook("preHandler", async (request, reply) => {
    const path = request.url.split("?")[0] as string;
    const record: RecordedRequest = {
      method: request.method,
      path,
      query: { ...(request.query as Record<string, string>) },
      body: request.body,
      status: 0,
    };
    requests.push(record);
    recordOf.set(request, record);
    reply.headers({
      "ratelimit-name": "throttle_authenticated_api",
      "ratelimit-limit": "2000",
      "ratelimit-observed": String(requests.length),
      "ratelimit-remaining": String(Math.max(0, 2000 - requests.length)),
      "ratelimit-reset": String(Math.ceil(Date.now() / 1000) + 60),
    });
    const failure = failures.take(request.method, path);
    if (failure !== undefined) {
      if (failure.kind === "rate-limited") {
        if (failure.retryAfterSeconds !== undefined) reply.header("retry-after", String(failure.retryAfterSeconds));
        return reply.code(429).type("text/plain").send("Retry later\n");
      }
      if (failure.kind === "status") return reply.code(failure.status).send(failure.body ?? { message: `${failure.status} scripted` });
      if (failure.kind === "silence") {
        reply.hijack();
        silent.add(reply);
        return;
      }
      if (failure.kind === "reset" && failure.after === "nothing") {
        reply.hijack();
        request.raw.socket.resetAndDestroy();
        return;
      }
      failureOf.set(request, failure); // after the work
    }
    const given = request.headers["private-token"] ?? request.headers.authorization?.replace(/^Bearer /, "");
    if (given !== token) return reply.code(401).send({ message: "401 Unauthorized" });
  });
  app.addHook("onSend", async (request, reply, payload) => {
    const failure = failureOf.get(request);
    if (failure?.kind === "done-then-502") {
      reply.code(502).type("text/html");
      return "<html><body>502 Bad Gateway</body></html>";
    }
    if (failure?.kind === "reset") request.raw.socket.resetAndDestroy();
    return payload;
  });
  app.addHook("onResponse", async (request, reply) => {
    const record = recordOf.get(request);
    if (record) record.status = reply.statusCode;
  });

  await app.register(restRoutes({ project, projectId, projectPath, users, url: () => url }), { prefix: "/api/v4" });
  app.post("/api/graphql", async (request) => answerGraphql(project, projectPath, request.body));

  await app.listen({ port, host: "127.0.0.1" });
  const bound = app.server.address();
  url = `http://127.0.0.1:${typeof bound === "object" && bound !== null ? bound.port : port}`;
  return {
    url,
    token,
    projectId,
    projectPath,
    issues: project.issues,
    requests,
    effects: project.effects,
    fail: failures.add,
    recover: failures.clear,
    get pendingFailures() {
      return failures.pending;
    },
    async close() {
      for (const reply of silent) reply.raw.destroy();
      await app.close();
    },
  };
}
