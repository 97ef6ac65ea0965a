export type { HttpServer } from "./http-server.ts";
