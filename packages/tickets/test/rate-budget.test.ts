import { fakeClock } from "@tocsin/testkit";
import { expect, test } from "vitest";
import { createRateBudget } from "../src/rate-budget.ts";

test("gives a burst at once, and then one token at a time, first come first served", async () => {
  const clock = fakeClock();
  const budget = createRateBudget(60, 3, clock);
  const got: string[] = [];
  for (const name of ["a", "b", "c", "d", "e"]) void budget.take().then(() => got.push(name));
  await clock.advance(0);
  expect(got).toEqual(["a", "b", "c"]);
  await clock.advance(999);
  expect(got).toHaveLength(3);
  await clock.advance(1);
  expect(got).toEqual(["a", "b", "c", "d"]);
  await clock.advance(1_000);
  expect(got).toHaveLength(5);
});

test("saves no more than its burst while nobody asks", async () => {
  const clock = fakeClock();
  const budget = createRateBudget(60, 2, clock);
  await clock.advance(3_600_000);
  let got = 0;
  for (let i = 0; i < 5; i++) void budget.take().then(() => got++);
  await clock.advance(0);
  expect(got).toBe(2);
});
