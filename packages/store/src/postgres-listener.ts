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
  let connection: Promise<pg.Client> | undefined;

  async function connect(): Promise<pg.Client> {
    const client = new pg.Client({ ...connectionConfig(url), query_timeout: 10_000 });
    let isUp = false;
    client.on("notification", ({ channel, payload = "" }) => {
      for (const deliver of channels.get(channel) ?? []) deliver(payload);
    });
    client.on("error", (error) => log.warn({ err: error }, "listening connection error"));
    client.on("end", () => {
      if (isUp && !closing.signal.aborted) reconnect();
    });
    try {
      await client.connect();
      // All channels known by now; one that joins later sends its own LISTEN.
      for (const channel of channels.keys()) await client.query(`LISTEN ${identifier(channel)}`);
    } catch (error) {
      await client.end().catch(() => {});
      throw queryError(error, "LISTEN");
    }
    isUp = true;
    beat(client);
    return client;
  }

  function beat(client: pg.Client): void {
    const timer = setTimeout(() => {
      client.query("SELECT 1").then(
        () => beat(client),
        () => client.end().catch(() => {}),
      );
    }, HEARTBEAT_MS);
    timer.unref();
    client.once("end", () => clearTimeout(timer));
  }

  function reconnect(): void {
    connection = (async () => {
      for (let attempt = 1; ; attempt++) {
        try {
          const client = await connect();
          // Notices may have been missed meanwhile.
          for (const listeners of channels.values()) for (const deliver of listeners) deliver("");
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

  return {
    async listen(channel, onNotice) {
      if (closing.signal.aborted) throw storeUnavailable("the store is closed");
      const deliver = outsideTransaction(onNotice);
      const listeners = channels.get(channel) ?? new Set();
      const isFirst = listeners.size === 0;
      channels.set(channel, listeners);
      listeners.add(deliver);
      if (connection === undefined) {
        connection = connect();
        connection.catch(() => {
          connection = undefined;
        });
        await connection;
      } else if (isFirst) {
        const client = await connection;
        // When the connection breaks here, the one that follows listens to every known channel.
        await client.query(`LISTEN ${identifier(channel)}`).catch((error: unknown) => {
          throw queryError(error, "LISTEN");
        });
      }
      return async () => {
        if (!listeners.delete(deliver) || listeners.size > 0 || closing.signal.aborted) return;
        const client = await connection;
        if (listeners.size === 0) await client?.query(`UNLISTEN ${identifier(channel)}`).catch(() => {});
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
