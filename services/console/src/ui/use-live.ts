import type { StreamEventName, StreamMessage } from "@tocsin/contracts";
import { useEffect, useRef, useState } from "react";

export type LiveItem = StreamMessage & { event: StreamEventName };
export type Connection = "connecting" | "live" | "behind";

const EVENTS: readonly StreamEventName[] = ["thought", "action", "incident"];

/**
 * Listens to a stream of the server. The browser resumes it by itself with `Last-Event-ID` after a break, so that nothing is missed; an
 * id that was seen is not given again.
 */
export function useLive(path: string, onItem: (item: LiveItem) => void): Connection {
  const [connection, setConnection] = useState<Connection>("connecting");
  const handler = useRef(onItem);
  handler.current = onItem;
  useEffect(() => {
    setConnection("connecting");
    let last = 0;
    const source = new EventSource(path);
    source.onopen = () => setConnection("live");
    source.onerror = () => setConnection("behind");
    for (const event of EVENTS)
      source.addEventListener(event, (message) => {
        const item = { ...(JSON.parse(message.data as string) as StreamMessage), event };
        if (Number(item.id) <= last) return;
        last = Number(item.id);
        handler.current(item);
      });
    return () => source.close();
  }, [path]);
  return connection;
}
