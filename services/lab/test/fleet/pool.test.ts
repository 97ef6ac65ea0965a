import { expect, test } from "vitest";
import { createPool } from "../../src/fleet/pool.ts";

test("gives a connection that comes free to whoever waits longest", async () => {
  const pool = createPool(1);
  const release = await pool.take(10);
  const order: string[] = [];
  const take = async (name: string) => {
    const give = await pool.take(5_000);
    order.push(name);
    give?.();
  };
  const first = take("first");
  const second = take("second");
  expect(pool.waiting).toBe(2);
  release?.();
  await Promise.all([first, second]);
  expect(order).toEqual(["first", "second"]);
  expect(pool.inUse).toBe(0);
});

test("says that none came free in time, and forgets who waited", async () => {
  const pool = createPool(1);
  const release = await pool.take(10);
  expect(await pool.take(5)).toBeUndefined();
  expect(pool.waiting).toBe(0);
  release?.();
  expect(pool.inUse).toBe(0);
});

test("counts a connection that is given back twice once", async () => {
  const pool = createPool(2);
  const [a] = [await pool.take(1), await pool.take(1)];
  a?.();
  a?.();
  expect(pool.inUse).toBe(1);
});

test("leaks what is free at once and what is taken as it comes back", async () => {
  const pool = createPool(3);
  const release = await pool.take(1);
  pool.leak(3);
  expect(pool.inUse).toBe(3);
  release?.();
  expect(pool.inUse).toBe(3);
  expect(await pool.take(5)).toBeUndefined();
  pool.mend();
  expect(pool.inUse).toBe(0);
});

test("serves those who wait when a leak is mended", async () => {
  const pool = createPool(1);
  pool.leak(1);
  const waiting = pool.take(5_000);
  pool.mend();
  expect(await waiting).toBeTypeOf("function");
  expect(pool.inUse).toBe(1);
});
