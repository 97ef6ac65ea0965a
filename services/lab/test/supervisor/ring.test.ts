import { expect, test } from "vitest";
import { createRing } from "../../src/supervisor/ring.ts";

const filled = (capacity: number, count: number) => {
  const ring = createRing<number>(capacity, (item) => item);
  for (let item = 0; item < count; item++) ring.push(item);
  return ring;
};

test("keeps the newest when it is full, in ascending order", () => {
  expect(filled(3, 8).newest(0, 100, 10)).toEqual([5, 6, 7]);
  expect(filled(3, 3).newest(0, 100, 10)).toEqual([0, 1, 2]);
  expect(filled(3, 0).newest(0, 100, 10)).toEqual([]);
});

test("gives the newest of a range, its end not included", () => {
  expect(filled(10, 10).newest(2, 7, 3)).toEqual([4, 5, 6]);
});
