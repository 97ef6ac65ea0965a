import type { FastifyInstance, FastifyPluginAsync } from "fastify";

/** The one HTTP server of a process. */
export interface HttpServer {
  /** Mounts a module's routes under a prefix; before the server listens, so a module mounts while it starts. */
  mount(prefix: string, routes: FastifyPluginAsync): Promise<void>;
  /** Adds a line to `/readyz`: resolves when the part is up, throws with the reason when it is not. `required: false` only reports. */
  addCheck(name: string, check: () => Promise<void>, options?: { required?: boolean }): void;
  /** Base address once it listens, e.g. `http://127.0.0.1:8080`. */
  readonly address: string;
  readonly fastify: FastifyInstance;
}
