import { messageOf } from "@tocsin/runtime";
import type Docker from "dockerode";
import { targetFailed, targetUnavailable } from "../errors.ts";
import { createDemultiplexer } from "./demultiplex.ts";

/** The HTTP status that Docker answered with, when there was an answer. */
const statusOf = (error: unknown): number | undefined => (error as { statusCode?: number } | null)?.statusCode;

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

export interface LogOptions {
  readonly follow: boolean;
  readonly tail?: number;
  readonly sinceSeconds?: number;
  readonly timestamps: boolean;
  readonly tty: boolean;
}

/**
 * Reads the logs of a container as a stream, so that a cap holds before the memory is used and not after.
 *
 * @param onText text of both streams in the order in which it was printed
 * @returns when the daemon ends the stream: at the end of what there is, or (with `follow`) when the container exits
 */
export async function readLogs(docker: Docker, id: string, options: LogOptions, onText: (text: string) => void): Promise<void> {
  const query = {
    stdout: true,
    stderr: true,
    follow: options.follow,
    timestamps: options.timestamps,
    ...(options.tail === undefined ? {} : { tail: options.tail }),
    ...(options.sinceSeconds === undefined ? {} : { since: Math.floor(Date.now() / 1000 - options.sinceSeconds) }),
  };
  await readStream(await dial(docker, "GET", `/containers/${id}/logs?`, query), options.tty, onText);
}

/**
 * Listens to what a container without TTY prints from now on. Unlike its logs, that is complete even when it prints more than the
 * log files keep. Opened before the start, it misses nothing.
 *
 * @returns (once it listens) a promise of the end: when the container exits
 */
export async function listenTo(docker: Docker, id: string, onText: (text: string) => void): Promise<{ readonly ended: Promise<void> }> {
  const stream = await dial(docker, "POST", `/containers/${id}/attach?`, { stream: true, stdout: true, stderr: true });
  return { ended: readStream(stream, false, onText) };
}

const dial = (docker: Docker, method: "GET" | "POST", path: string, options: object) =>
  new Promise<AsyncIterable<Buffer>>((resolve, reject) => {
    const statusCodes = { 101: true, 200: true, 400: "bad parameter", 404: "no such container", 409: "conflict", 500: "server error" };
    docker.modem.dial({ path, method, isStream: true, options, statusCodes }, (error: unknown, answer: unknown) =>
      error ? reject(error) : resolve(answer as AsyncIterable<Buffer>),
    );
  });

async function readStream(stream: AsyncIterable<Buffer>, tty: boolean, onText: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  const print = (payload: Buffer) => onText(decoder.decode(payload, { stream: true }));
  const demultiplex = tty ? print : createDemultiplexer(print);
  for await (const chunk of stream) demultiplex(chunk);
}
