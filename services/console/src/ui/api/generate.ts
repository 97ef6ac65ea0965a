// Writes `schema.gen.ts`, the types of the API as its OpenAPI document has them: `pnpm api-types` after a change of a route.
import { writeFileSync } from "node:fs";
import { createHttpServer } from "@tocsin/http";
import { silentLogger, systemClock } from "@tocsin/runtime";
import openapiTs, { astToString } from "openapi-typescript";
import { Registry } from "prom-client";
import { apiRoutes } from "../../api.ts";

/** The types as text. Nothing is asked of the parts that the routes would work with, so none is there. */
export async function apiTypes(): Promise<string> {
  const server = createHttpServer({ host: "127.0.0.1", port: 0, log: silentLogger, registry: new Registry(), version: "0" });
  const absent = new Proxy({}, { get: () => undefined }) as never;
  await server.mount(
    "/api/v1",
    apiRoutes({
      store: absent,
      bus: absent,
      signals: absent,
      targets: absent,
      live: absent,
      clock: systemClock,
      runbooksDir: "",
      effectiveConfig: absent,
      version: "0",
    }),
  );
  await server.fastify.ready();
  const ast = await openapiTs(JSON.stringify(server.fastify.swagger()), { alphabetize: true });
  await server.close();
  return `// Made by generate.ts from the OpenAPI document; not to be edited.\n${astToString(ast)}`;
}

if (import.meta.main) writeFileSync(new URL("schema.gen.ts", import.meta.url), await apiTypes());
