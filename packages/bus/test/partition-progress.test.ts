import { describe, expect, test } from "vitest";
import { advance, afterFailure, deliverySize, type PartitionProgress, startAt } from "../src/partition-progress.ts";

const offsets = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** Runs a partition of `end` events through the rules; `fails` says what the handler does with a delivery. */
function run(end: number, maxBatch: number, maxAttempts: number, fails: (delivered: number[]) => boolean) {
  const handled: number[] = [];
  const sentAway: number[] = [];
  let deliveries = 0;
  let progress: PartitionProgress = startAt(0);
  while (progress.position < end) {
    if (++deliveries > 10_000) throw new Error("never ends");
    const waiting = offsets(progress.position, Math.min(end, progress.position + maxBatch));
    const delivered = waiting.slice(0, deliverySize(progress, waiting, maxBatch));
    const next = (delivered.at(-1) as number) + 1;
    if (!fails(delivered)) {
      handled.push(...delivered);
      progress = advance(progress, next);
      continue;
    }
    const failure = afterFailure(progress, delivered, false, maxAttempts);
    if (failure.kind === "again") progress = failure.progress;
    else {
      sentAway.push(progress.position);
      progress = advance(progress, progress.position + 1);
    }
  }
  return { handled, sentAway, deliveries };
}

describe("halving", () => {
  test.each([0, 1, 99, 100, 137, 199])("finds the poison at %i of 200 in few deliveries and sends away nothing else", (poison) => {
    const { handled, sentAway, deliveries } = run(200, 200, 5, (delivered) => delivered.includes(poison));
    expect(sentAway).toEqual([poison]);
    expect(handled).toEqual(offsets(0, 200).filter((offset) => offset !== poison));
    // log2(200) halvings and what lies between them, five attempts alone, the rest.
    expect(deliveries).toBeLessThanOrEqual(24);
  });

  test("finds every one of several poisons, neighbours and the last event included", () => {
    const poisons = [3, 4, 17, 49];
    const { handled, sentAway } = run(50, 20, 3, (delivered) => delivered.some((offset) => poisons.includes(offset)));
    expect(sentAway).toEqual(poisons);
    expect(handled).toHaveLength(46);
  });

  test("sends nothing away when the failure does not come again", () => {
    let failures = 3;
    const { handled, sentAway } = run(100, 50, 2, (delivered) => delivered.length > 1 && failures-- > 0);
    expect(sentAway).toEqual([]);
    expect(handled).toEqual(offsets(0, 100));
  });
});

test("an event is given up after exactly maxAttempts failures alone", () => {
  let tries = 0;
  const { sentAway } = run(1, 200, 5, () => {
    tries += 1;
    return true;
  });
  expect(sentAway).toEqual([0]);
  expect(tries).toBe(5);
});

test("a retryable error counts for the back-off alone", () => {
  let progress = startAt(7);
  for (let i = 1; i <= 50; i++) {
    const failure = afterFailure(progress, [7], true, 1);
    if (failure.kind !== "again") throw new Error("given up");
    progress = failure.progress;
    expect(progress).toEqual({ position: 7, failures: i, failedAlone: 0 });
  }
});

test("suspects are offsets, which may have gaps", () => {
  const failure = afterFailure(startAt(10), [10, 14, 90], false, 5);
  if (failure.kind !== "again") throw new Error("given up");
  expect(deliverySize(failure.progress, [10, 14, 90, 91, 95], 200)).toBe(2);
  expect(deliverySize(advance(failure.progress, 15), [90, 91, 95], 200)).toBe(1);
  expect(deliverySize(advance(failure.progress, 91), [91, 95], 200)).toBe(2);
});
