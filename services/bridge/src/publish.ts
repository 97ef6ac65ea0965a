import type { EventBus } from "@tocsin/bus";
import type { OutgoingEvent } from "@tocsin/contracts";
import { AppError } from "@tocsin/runtime";

/** Did the bus refuse the event itself, so that trying again would change nothing? */
export const isRefusal = (error: unknown): boolean => AppError.is(error, "BUS_PAYLOAD_INVALID", "BUS_PAYLOAD_TOO_LARGE");

/**
 * Publishes, but gives up waiting after a while: a client that retries silently for a minute would outlast the sender's patience. It
 * may still succeed later; the event is then there twice, under one id.
 *
 * @throws AppError `BUS_UNAVAILABLE` when there is no answer in time; else what the bus throws
 */
export async function publishWithin(bus: Pick<EventBus, "publish">, events: readonly OutgoingEvent[], timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new AppError("BUS_UNAVAILABLE", `no acknowledgement within ${timeoutMs} ms`, { retryable: true })),
      timeoutMs,
    );
  });
  try {
    await Promise.race([bus.publish(events), late]);
  } finally {
    clearTimeout(timer);
  }
}
