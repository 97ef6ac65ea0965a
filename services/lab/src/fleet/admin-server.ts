import { createServer, type IncomingMessage, type Server } from "node:http";
import { type FaultState, isProcessFault, PROCESS_FAULTS } from "./process-fault.ts";

/** The second listener of a service, for whoever drills it: `GET | POST {fault, seconds} | DELETE /faults`. */
export function adminServer(faults: FaultState): Server {
  return createServer((request, response) => {
    const answer = (status: number, body: object) => {
      response.writeHead(status, { "content-type": "application/json", connection: "close" }).end(JSON.stringify(body));
    };
    if (request.url !== "/faults") return answer(404, { code: "NOT_FOUND" });
    if (request.method === "GET") return answer(200, { items: faults.active() });
    if (request.method === "DELETE") {
      faults.clear();
      return answer(200, { items: [] });
    }
    if (request.method !== "POST") return answer(405, { code: "METHOD_NOT_ALLOWED" });
    readJson(request).then(
      (body) => {
        const { fault, seconds } = (body ?? {}) as { fault?: unknown; seconds?: unknown };
        if (!isProcessFault(fault)) return answer(404, { code: "FAULT_UNKNOWN", known: PROCESS_FAULTS });
        if (typeof seconds !== "number" || !(seconds > 0 && seconds <= 3_600)) return answer(400, { code: "SECONDS_RANGE" });
        faults.inject(fault, seconds);
        answer(202, { fault, seconds });
      },
      () => answer(400, { code: "BODY_INVALID" }),
    );
  });
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > 4_096) throw new Error("too long");
  }
  return JSON.parse(text);
}
