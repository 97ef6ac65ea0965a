import { messageOf } from "@tocsin/runtime";
import type Docker from "dockerode";
import { targetFailed, targetUnavailable } from "../errors.ts";
import { createDemultiplexer } from "./demultiplex.ts";

/** The HTTP status that Docker answered with, when there was an answer. */
export const statusOf = (error: unknown): number | undefined => (error as { statusCode?: number } | null)?.statusCode;

/**
 * Makes a call to the daemon.
 *
 * @param tolerate statuses that mean it is as wanted already (304 started or stopped, 404 gone, 409 not running); they give undefined
 * @throws AppError `TARGET_UNAVAILABLE` when there is no answer or 503, `TARGET_FAILED` otherwise
 */
export async function ask<T>(what: string, call: () => Promise<T>, tolerate: readonly number[] = []): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    const status = statusOf(error);
    if (status !== undefined && tolerate.includes(status)) return undefined;
    if (status === undefined || status === 503) throw targetUnavailable(`Docker, ${what}`, messageOf(error), error);
    throw targetFailed(`Docker, ${what}`, status, (error as { json?: { message?: string } }).json?.message ?? messageOf(error), error);
  }
}

/**
 * Reads the logs of a container as a stream, so that the cap holds before the memory is used and not after.
 *
 * @param onText text of both streams in the order in which it was printed
 * @returns when the daemon ends the stream: at the end of what there is, or (with `follow`) when the container exits
 */
export async function readLogs(
  docker: Docker,
  id: string,
  options: {
    readonly follow: boolean;
    readonly tail?: number;
    readonly sinceSeconds?: number;
    readonly timestamps: boolean;
    readonly tty: boolean;
  },
  onText: (text: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  const query = {
    stdout: true,
    stderr: true,
    follow: options.follow,
    timestamps: options.timestamps,
    ...(options.tail === undefined ? {} : { tail: options.tail }),
    ...(options.sinceSeconds === undefined ? {} : { since: Math.floor(Date.now() / 1000 - options.sinceSeconds) }),
  };
  const stream = await new Promise<NodeJS.ReadableStream & { destroy(): void }>((resolve, reject) => {
    docker.modem.dial(
      {
        path: `/containers/${id}/logs?`,
        method: "GET",
        isStream: true,
        options: query,
        statusCodes: { 200: true, 404: "no such container", 500: "server error" },
        ...(signal ? { abortSignal: signal } : {}),
      },
      (error: unknown, answer: unknown) => (error ? reject(error) : resolve(answer as never)),
    );
  });
  const decoder = new TextDecoder();
  const demultiplex = createDemultiplexer((payload) => onText(decoder.decode(payload, { stream: true })));
  const onAbort = () => stream.destroy();
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    for await (const chunk of stream) {
      if (options.tty) onText(decoder.decode(chunk as Buffer, { stream: true }));
      else demultiplex(chunk as Buffer);
    }
  } catch (error) {
    if (!signal?.aborted) throw error;
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}
