import type { Socket } from "node:net";
import { backoffMs, type Clock, type Logger } from "@tocsin/runtime";
import pg from "pg";
import { outsideTransaction } from "./engine.ts";
import { queryError, storeUnavailable } from "./errors.ts";
import { connectionConfig } from "./postgres-connection.ts";

export interface Listener {
  listen(channel: string, onNotice: (payload: string) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** A connection that died silently (a cut network) is found out after this long at most. */
const HEARTBEAT_MS = 20_000;

const identifier = (name: string) => `"${name.replaceAll('"', '""')}"`;

/** One dedicated connection for all LISTENs, made on first use and made anew whenever it is lost. */
export function createListener(url: string, log: Logger, clock: Clock): Listener {
  const channels = new Map<string, Set<(payload: string) => void>>();
  const closing = new AbortController();
  /** The one in use or being made. */
  let connection: Promise<pg.Client> | undefined;
  let up: pg.Client | undefined;

  async function connect(): Promise<pg.Client> {
    const client = new pg.Client({ ...connectionConfig(url), query_timeout: 10_000 });
    client.on("notification", ({ channel, payload = "" }) => {
      for (const deliver of channels.get(channel) ?? []) setImmediate(deliver, payload);
    });
    client.on("error", (error) => log.warn({ err: error }, "listening connection error"));
    client.on("end", () => {
      if (up !== client) return;
      up = undefined;
      if (!closing.signal.aborted) reconnect();
    });
    try {
      await client.connect();
      // All channels known by now; one that joins later sends its own LISTEN.
      for (const [channel, listeners] of channels) if (listeners.size > 0) await client.query(`LISTEN ${identifier(channel)}`);
    } catch (error) {
      await client.end().catch(() => {});
      throw queryError(error, "LISTEN");
    }
    up = client;
    beat(client);
    return client;
  }

  function beat(client: pg.Client): void {
    const timer = setInterval(() => {
      client.query("SELECT 1").catch(() => {
        // Nobody answers any more, so do not wait for a goodbye.
        (client as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
      });
    }, HEARTBEAT_MS);
    timer.unref();
    client.once("end", () => clearInterval(timer));
  }

  function reconnect(): void {
    connection = (async () => {
      for (let attempt = 1; ; attempt++) {
        try {
          const client = await connect();
          // Notices may have been missed meanwhile.
          for (const listeners of channels.values()) for (const deliver of listeners) setImmediate(deliver, "");
          return client;
        } catch (error) {
          if (closing.signal.aborted) throw error;
          const delayMs = backoffMs(attempt, 100, 5_000);
          log.warn({ err: error, attempt, delayMs }, "listening connection retry");
          await clock.sleep(delayMs, closing.signal);
        }
      }
    })();
    connection.catch(() => {});
  }

  async function subscribe(channel: string): Promise<void> {
    for (;;) {
      if (connection === undefined) {
        const first = connect();
        connection = first;
        first.catch(() => {
          if (connection === first) connection = undefined;
        });
      }
      const used = connection;
      const client = await used;
      try {
        await client.query(`LISTEN ${identifier(channel)}`);
        return;
      } catch (error) {
        // Lost just now: the connection that follows is being made.
        if (connection === used) throw error;
      }
    }
  }

  return {
    async listen(channel, onNotice) {
      if (closing.signal.aborted) throw storeUnavailable("the store is closed");
      const deliver = outsideTransaction(onNotice);
      const listeners = channels.get(channel) ?? new Set();
      channels.set(channel, listeners);
      listeners.add(deliver);
      try {
        await subscribe(channel);
      } catch (error) {
        listeners.delete(deliver);
        throw queryError(error, "LISTEN");
      }
      return async () => {
        if (!listeners.delete(deliver) || listeners.size > 0 || closing.signal.aborted) return;
        // While there is no connection there is nothing to end: the next one listens to what is wanted then.
        await up?.query(`UNLISTEN ${identifier(channel)}`).catch(() => {});
        // One that came while this waited.
        if (listeners.size > 0) await subscribe(channel);
      };
    },
    async close() {
      if (closing.signal.aborted) return;
      closing.abort(new Error("closing"));
      const client = await connection?.catch(() => undefined);
      await client?.end().catch(() => {});
    },
  };
}
