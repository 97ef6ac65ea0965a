import { STATUS_CODES } from "node:http";
import { AppError } from "@tocsin/runtime";
import type { FastifyInstance } from "fastify";
import * as z from "zod";
import { bodyInvalid, targetUnknown } from "../errors.ts";
import { FAULTS } from "./fault-catalogue.ts";
import type { FaultControl } from "./fault-control.ts";
import type { Fleet } from "./fleet.ts";
import type { Ring } from "./ring.ts";

const STATUS_OF: Readonly<Record<string, number>> = {
  TARGET_UNKNOWN: 404,
  FAULT_UNKNOWN: 404,
  FAULT_ACTIVE: 409,
  FAULT_REFUSED: 503,
  TARGET_NO_PREVIOUS: 409,
  TARGET_CONFIG_REFUSED: 422,
  TARGET_TIMEOUT: 504,
  TARGET_UNSUPPORTED: 422,
  LAB_BODY_INVALID: 400,
};

const Act = z.object({
  operationId: z.string().min(1).max(300),
  timeoutMs: z.number().int().min(100).max(600_000).default(30_000),
  toRevision: z.string().optional(),
  replicas: z.number().int().optional(),
  name: z.string().max(63).optional(),
  value: z.string().max(200).nullable().optional(),
});
const Inject = z.object({ fault: z.string().min(1), seconds: z.number().min(1).max(3_600) });
const Range = z.object({
  service: z.string().optional(),
  from: z.coerce.number().default(0),
  to: z.coerce.number().default(Number.MAX_SAFE_INTEGER),
  limit: z.coerce.number().int().min(1).max(10_000).default(1_000),
});

/** The lab's own API, as an orchestrator and a log store would have one. Times in queries are Unix seconds. */
export function labApi(fastify: FastifyInstance, fleet: Fleet, faults: FaultControl): void {
  fastify.setErrorHandler((error: Error, _request, reply) => {
    const ours = AppError.is(error) ? error : undefined;
    const status = ours ? (STATUS_OF[ours.code] ?? 500) : ((error as { statusCode?: number }).statusCode ?? 500);
    const code = ours?.code ?? (status < 500 ? "REQUEST_INVALID" : "INTERNAL");
    const title = STATUS_CODES[status] ?? "Error";
    void reply
      .code(status)
      .type("application/problem+json")
      .send({ ...ours?.details, type: `urn:tocsin:error:${code}`, title, status, detail: error.message, code });
  });

  fastify.get("/healthz", () => ({ status: "ok" }));
  // Prometheus asks for this as `http_sd_configs`; the labels reach every series of the target.
  fastify.get("/v1/scrape-targets", () =>
    fleet.names.flatMap((name) => {
      const port = fleet.managed(name).address?.port;
      return port === undefined ? [] : [{ targets: [`127.0.0.1:${port}`], labels: { job: "lab", service: name } }];
    }),
  );
  fastify.get("/v1/topology", () => fleet.topology);
  fastify.get("/v1/logs", (request) => {
    const range = read(Range, request.query);
    return {
      items: merged(
        fleet,
        range.service,
        (name) => fleet.logs(name),
        range,
        (line) => line.at,
      ),
    };
  });
  fastify.get("/v1/spans", (request) => {
    const range = read(Range, request.query);
    return {
      items: merged(
        fleet,
        range.service,
        (name) => fleet.spans(name),
        range,
        (span) => span.startAt,
      ),
    };
  });
  fastify.get("/v1/changes", (request) => {
    const range = read(Range, request.query);
    const inside = fleet.changes.filter((change) => {
      const at = Date.parse(change.at) / 1000;
      return at >= range.from && at < range.to && (range.service === undefined || change.service === range.service);
    });
    return { items: inside.slice(-range.limit) };
  });
  fastify.get("/v1/services", () => ({ items: fleet.names.map((name) => fleet.target(name)) }));
  fastify.get<{ Params: { id: string } }>("/v1/services/:id", (request) => fleet.target(request.params.id));
  for (const verb of ["restart", "start", "stop", "rollback", "config", "scale"] as const)
    fastify.post<{ Params: { id: string } }>(`/v1/services/:id/${verb}`, (request) =>
      fleet.act(request.params.id, verb, read(Act, request.body)),
    );

  fastify.get("/v1/faults", () => ({
    items: FAULTS.map((fault) => ({ ...fault, targets: fault.targets.filter((name) => fleet.names.includes(name)) })),
  }));
  fastify.get<{ Params: { id: string } }>("/v1/services/:id/faults", (request) => {
    known(fleet, request.params.id);
    return { items: faults.active(request.params.id) };
  });
  fastify.post<{ Params: { id: string } }>("/v1/services/:id/faults", async (request, reply) => {
    const { fault, seconds } = read(Inject, request.body);
    return reply.code(202).send(await faults.inject(request.params.id, fault, seconds));
  });
  fastify.delete<{ Params: { id: string } }>("/v1/services/:id/faults", async (request) => {
    known(fleet, request.params.id);
    await faults.clear(request.params.id);
    return { items: [] };
  });
}

function known(fleet: Fleet, name: string): void {
  if (!fleet.names.includes(name)) throw targetUnknown(name, fleet.names);
}

function read<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input ?? {});
  if (!parsed.success) throw bodyInvalid(z.prettifyError(parsed.error));
  return parsed.data;
}

function merged<T>(
  fleet: Fleet,
  service: string | undefined,
  ringOf: (name: string) => Ring<T>,
  range: { from: number; to: number; limit: number },
  at: (item: T) => number,
): T[] {
  const names = service === undefined ? fleet.names : [service];
  return names
    .flatMap((name) => ringOf(name).newest(range.from, range.to, range.limit))
    .sort((a, b) => at(a) - at(b))
    .slice(-range.limit);
}
