// One connection for the whole page: HTTP/1.1 allows a browser six to a host over all tabs. It always names the place to go on from, so
// that neither a restart of the server nor a tab that slept leaves a gap; what comes twice is dropped by its id.
import type { StreamEventName, StreamMessage } from "@tocsin/contracts";
import type { LiveEvent } from "../view/events.ts";

type LiveStatus = "connecting" | "live" | "behind";

export interface LiveState {
  readonly status: LiveStatus;
  /** Since when, in Unix milliseconds. */
  readonly since: number;
}

export interface LiveConnection {
  state(): LiveState;
  onState(listener: () => void): () => void;
  onEvent(listener: (event: LiveEvent) => void): () => void;
  /** Resolves when every later event is sure to be told: what is read from then on and what is told overlap. */
  readonly positioned: Promise<void>;
  /** Whether it stays open while nobody looks at the page. */
  keepWhileHidden(keep: boolean): void;
  close(): void;
}

/** The parts of the browser that it needs; tests bring their own. */
export interface LiveParts {
  readonly open: (url: string) => EventSource;
  /** The id of the newest event. */
  readonly position: () => Promise<string>;
  readonly now: () => number;
  readonly after: (ms: number, step: () => void) => () => void;
}

const NAMES: readonly StreamEventName[] = ["thought", "action", "incident"];
const RETRY_MS = [500, 1_000, 2_000, 4_000] as const;
/** A hidden page lets go of its connection after this, so that a dozen open tabs leave room for the one in front. */
const HIDDEN_MS = 30_000;

export function openLiveConnection(
  parts: LiveParts,
  page?: Pick<Document, "hidden" | "addEventListener" | "removeEventListener">,
): LiveConnection {
  const stateListeners = new Set<() => void>();
  const eventListeners = new Set<(event: LiveEvent) => void>();
  let state: LiveState = { status: "connecting", since: parts.now() };
  let source: EventSource | undefined;
  let last: number | undefined;
  /** What has to have been told before the page is up to date again. */
  let target = 0;
  let failures = 0;
  let isClosed = false;
  let keepHidden = false;
  let cancelRetry = () => {};
  let cancelHide = () => {};
  let resolvePositioned = () => {};
  const positioned = new Promise<void>((resolve) => {
    resolvePositioned = resolve;
  });

  function become(status: LiveStatus): void {
    if (state.status === status) return;
    state = { status, since: parts.now() };
    for (const listener of stateListeners) listener();
  }
  const settle = () => {
    if (last !== undefined && last >= target && source?.readyState === 1) become("live");
  };

  function again(): void {
    source?.close();
    source = undefined;
    if (isClosed) return;
    if (state.status === "live") become("behind");
    const wait = RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)] as number;
    cancelRetry = parts.after(wait, () => void connect());
  }

  async function connect(): Promise<void> {
    if (isClosed) return;
    try {
      const newest = Number(await parts.position());
      last ??= newest;
      target = newest;
    } catch {
      again();
      return;
    }
    resolvePositioned();
    if (isClosed || source !== undefined) return;
    const opened = parts.open(`/api/v1/stream?lastEventId=${last}`);
    source = opened;
    opened.onopen = () => {
      failures = 0;
      settle();
    };
    // The browser would try again by itself, but not after an answer such as 502 of a proxy, and without knowing how far it is behind.
    opened.onerror = again;
    for (const name of NAMES)
      opened.addEventListener(name, (message) => {
        const data = JSON.parse((message as MessageEvent<string>).data) as StreamMessage;
        const id = Number(data.id);
        if (last !== undefined && id <= last) return;
        last = id;
        for (const listener of eventListeners) listener({ ...data, event: name });
        settle();
      });
  }

  const onVisibility = () => {
    cancelHide();
    if (page?.hidden === true) {
      cancelHide = parts.after(HIDDEN_MS, () => {
        if (keepHidden) return;
        cancelRetry();
        source?.close();
        source = undefined;
        become("behind");
      });
    } else if (source === undefined) {
      cancelRetry();
      void connect();
    }
  };
  page?.addEventListener("visibilitychange", onVisibility);
  void connect();

  return {
    state: () => state,
    onState(listener) {
      stateListeners.add(listener);
      return () => void stateListeners.delete(listener);
    },
    onEvent(listener) {
      eventListeners.add(listener);
      return () => void eventListeners.delete(listener);
    },
    positioned,
    keepWhileHidden(keep) {
      keepHidden = keep;
    },
    close() {
      isClosed = true;
      cancelRetry();
      cancelHide();
      source?.close();
      page?.removeEventListener("visibilitychange", onVisibility);
    },
  };
}
