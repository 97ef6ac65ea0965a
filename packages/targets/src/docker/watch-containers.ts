import type { Readable } from "node:stream";
import type Docker from "dockerode";
import type { TargetEvent } from "../target-port.ts";
import { ask } from "./docker-calls.ts";
import { LABELS } from "./labels.ts";

/** What changes what runs. Health probes and execs come every few seconds and change nothing. */
const EVENTS = ["create", "start", "die", "oom", "destroy", "rename", "update"];

/**
 * Docker's own event stream, for the containers that belong to services. An OOM kill is told only here: a container that its restart policy has
 * started again no longer remembers it.
 *
 * @throws AppError `TARGET_UNAVAILABLE`
 * @see Docker Engine API, `GET /events`: one JSON object a line
 */
export async function watchContainers(docker: Docker, onEvent: (event: TargetEvent) => void, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const filters = JSON.stringify({ type: ["container"], event: EVENTS });
  const stream = (await ask("events", () => docker.getEvents({ filters }))) as Readable;
  const end = () => stream.destroy();
  signal.addEventListener("abort", end, { once: true });
  let unread = "";
  try {
    for await (const chunk of stream.setEncoding("utf8")) {
      const lines = (unread + (chunk as string)).split("\n");
      unread = lines.pop() as string;
      for (const line of lines) {
        const event = eventOf(line);
        if (event !== undefined) onEvent(event);
      }
    }
  } catch {
    // A daemon that goes away in the middle of a line ends the stream, as an abort does: that is all there is to know.
  } finally {
    signal.removeEventListener("abort", end);
    stream.destroy();
  }
}

interface DockerEvent {
  readonly Action?: string;
  readonly Actor?: { readonly Attributes?: Readonly<Record<string, string>> };
}

/** Pure: a line of the stream; undefined when it is not about a service's container. */
export function eventOf(line: string): TargetEvent | undefined {
  let event: DockerEvent;
  try {
    event = (JSON.parse(line) ?? {}) as DockerEvent;
  } catch {
    return undefined;
  }
  const attributes = event.Actor?.Attributes ?? {};
  const { name } = attributes;
  if (name === undefined || attributes[LABELS.oneOff] === "true") return undefined;
  if (attributes[LABELS.service] === undefined && attributes[LABELS.composeService] === undefined) return undefined;
  return { replica: name, what: event.Action === "oom" ? "oom" : "changed" };
}
