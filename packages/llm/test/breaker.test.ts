import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { admit, type Breaker, type BreakerOptions, CLOSED, fail, release, succeed } from "../src/breaker.ts";

const options: BreakerOptions = { failures: 3, openMs: 1_000, maxOpenMs: 8_000, checkMs: 60_000 };
const broken = { code: "LLM_UNAVAILABLE", reason: "it fails", lasting: false };
const failTimes = (times: number, from: Breaker = CLOSED): Breaker =>
  Array.from({ length: times }).reduce<Breaker>((breaker) => fail(breaker, broken, 0, options), from);

describe("a breaker", () => {
  test("opens with the third failure in a row, and a success in between starts over", () => {
    expect(failTimes(2)).toEqual({ kind: "closed", failures: 2 });
    expect(failTimes(3)).toMatchObject({ kind: "open", untilMs: 1_000, sinceMs: 0 });
    expect(failTimes(2, succeed())).toMatchObject({ kind: "closed" });
  });

  test("asks nobody until its time has come, then one, whose failure doubles the time", () => {
    const open = failTimes(3);
    expect(admit(open, 999, 500).admitted).toBe(false);
    const probe = admit(open, 1_000, 500);
    expect(probe.admitted).toBe(true);
    expect(admit(probe.breaker, 1_001, 500).admitted).toBe(false);
    expect(fail(probe.breaker, broken, 1_200, options)).toMatchObject({ kind: "open", untilMs: 3_200, sinceMs: 0 });
    expect(succeed()).toEqual(CLOSED);
  });

  test("lets another probe when the first was lost, or told nothing", () => {
    const probe = admit(failTimes(3), 1_000, 500).breaker;
    expect(admit(probe, 1_499, 500).admitted).toBe(false);
    expect(admit(probe, 1_500, 500).admitted).toBe(true);
    expect(admit(release(probe, 1_100), 1_100, 500).admitted).toBe(true);
  });

  test("opens at once for what waiting does not mend, and for as long as it is told", () => {
    expect(fail(CLOSED, { ...broken, lasting: true }, 0, options)).toMatchObject({ kind: "open", untilMs: 60_000 });
    expect(fail(CLOSED, { ...broken, retryAfterMs: 5_000 }, 0, options)).toMatchObject({ kind: "open", untilMs: 5_000 });
    expect(fail(CLOSED, { ...broken, retryAfterMs: 3_600_000 }, 0, options)).toMatchObject({ untilMs: 8_000 });
  });

  test("always asks again some day, whatever happens", () => {
    const step = fc.oneof(
      fc.record({ lasting: fc.boolean(), retryAfterMs: fc.option(fc.integer({ min: 0, max: 10 ** 9 }), { nil: undefined }) }),
      fc.constant("probe" as const),
      fc.constant("release" as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let breaker: Breaker = CLOSED;
        let now = 0;
        for (const one of steps) {
          now += 700;
          if (one === "probe") breaker = admit(breaker, now, 500).breaker;
          else if (one === "release") breaker = release(breaker, now);
          else {
            const { lasting, retryAfterMs } = one;
            breaker = fail(breaker, { ...broken, lasting, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }, now, options);
          }
        }
        expect(admit(breaker, now + options.checkMs, 500).admitted).toBe(true);
      }),
    );
  });
});
