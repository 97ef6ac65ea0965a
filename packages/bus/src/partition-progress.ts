// Terms. *Position*: the offset to be handled next. *Suspects*: the events of a batch that failed, one of which is presumably
// *poison* (fails whenever it is handled). They are halved until the poison stands alone, so that its neighbours are not held
// back by it and are not counted against.

/** How far a partition was handled and what is known of its failures. Values in, values out. */
export interface PartitionProgress {
  readonly position: number;
  /** Events below this offset are suspects: deliver half of them at most. */
  readonly suspectUntil?: number;
  /** Deliveries in a row that failed, for the back-off. */
  readonly failures: number;
  /** How often the event at `position` failed alone with an error that is not retryable. */
  readonly failedAlone: number;
}

export const startAt = (position: number): PartitionProgress => ({ position, failures: 0, failedAlone: 0 });

/** How many of the given events (ascending offsets, at least one) go into the next delivery. */
export function deliverySize(progress: PartitionProgress, offsets: readonly number[], maxBatch: number): number {
  const { suspectUntil } = progress;
  if (suspectUntil === undefined) return Math.min(offsets.length, maxBatch);
  const suspects = offsets.filter((offset) => offset < suspectUntil).length;
  return Math.max(1, Math.min(Math.ceil(suspects / 2), maxBatch));
}

/** Everything below `position` is handled or sent away. */
export function advance(progress: PartitionProgress, position: number): PartitionProgress {
  const { suspectUntil } = progress;
  const next = startAt(position);
  return suspectUntil !== undefined && suspectUntil > position ? { ...next, suspectUntil } : next;
}

export type Failure = { readonly kind: "again"; readonly progress: PartitionProgress } | { readonly kind: "give-up" };

/**
 * What follows when a delivery failed.
 *
 * @param offsets    of the events delivered, ascending
 * @param retryable  does the error say that the same call may succeed later? Then nobody is suspected and nothing is given up.
 */
export function afterFailure(progress: PartitionProgress, offsets: readonly number[], retryable: boolean, maxAttempts: number): Failure {
  const failures = progress.failures + 1;
  if (retryable) return { kind: "again", progress: { ...progress, failures } };
  if (offsets.length > 1) {
    // The failed half becomes the suspects; a new, smaller delivery starts with the shortest back-off.
    const suspectUntil = (offsets.at(-1) as number) + 1;
    return { kind: "again", progress: { ...progress, failures: 1, suspectUntil } };
  }
  const failedAlone = progress.failedAlone + 1;
  if (failedAlone >= maxAttempts) return { kind: "give-up" };
  return { kind: "again", progress: { ...progress, failures, failedAlone } };
}
