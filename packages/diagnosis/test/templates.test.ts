import fc from "fast-check";
import { expect, test } from "vitest";
import { createTemplateMiner, maskLine } from "../src/templates.ts";

test.each([
  ["took 12 ms", "took <num> ms"],
  ["took 12.5ms", "took <num>ms"],
  ["from 10.0.0.17:443", "from <ip>:<num>"],
  ["order 5f3e6a0b-0695-4fac-b613-21b795cf0da0 is gone", "order <uuid> is gone"],
  ["trace 3bb94de729fc8816e45f8b31c984026e", "trace <hex>"],
  ["pod ts-order-service-5b67c48447-fj8b7", "pod <id>"],
  ["GET /api/v1/orders/77 gave 503", "GET /api/v<num>/orders/<num> gave <num>"],
  ["plain words stay", "plain words stay"],
])("masks %j as %j", (line, masked) => {
  expect(maskLine(line)).toBe(masked);
});

test("lines that differ only in their variables share a template", () => {
  const miner = createTemplateMiner();
  const ids = ["order 17 failed after 3 ms", "order 18 failed after 250 ms", "order 9000 failed after 1 ms"].map(
    (line) => miner.add(line).id,
  );
  expect(new Set(ids).size).toBe(1);
  expect(miner.templates()).toMatchObject([{ text: "order <num> failed after <num> ms", count: 3 }]);
});

test("a word that varies becomes a wildcard and the template keeps its id", () => {
  const miner = createTemplateMiner();
  const first = miner.add("the web shop welcomes anna back");
  const second = miner.add("the web shop welcomes berta back");
  expect(second.id).toBe(first.id);
  expect(second.text).toBe("the web shop welcomes <*> back");
});

test("lines of different length or meaning stay apart", () => {
  const miner = createTemplateMiner();
  expect(miner.add("connection to database refused").id).not.toBe(miner.add("cart emptied").id);
  expect(miner.add("cache warmed in background now").id).not.toBe(miner.add("payment declined by upstream bank").id);
});

test("dates with and without a time, enumerations of any length and values of keys are one template", () => {
  const same = (...messages: string[]) => {
    const miner = createTemplateMiner();
    return new Set(messages.map((message) => miner.add(message).id)).size === 1;
  };
  expect(same("sold tickets until 2023-01-30", "sold tickets until 2023-01-30 17:38:46")).toBe(true);
  expect(same("stations [shanghai, suzhou] asked", "stations [nanjing, taiyuan, shijiazhuang] asked")).toBe(true);
  expect(same("seat train=G12, from=shanghai, to=suzhou", "seat train=Z7, from=nanjing, to=wuhan")).toBe(true);
  expect(maskLine("at 2026-01-30T17:38:46Z and Sat May 04 07:16:00 CST 2013 got [1, 2]")).toBe("at <time> and <time> got <list>");
  expect(maskLine("version 1.2.3 of 10:20 in [alone]")).toBe("version <num> of <num>:<num> in [alone]");
});
test("a name as second word does not fork a template", () => {
  const miner = createTemplateMiner();
  for (const name of ["anna", "berta", "carla"]) miner.add(`user ${name} logged in with a password`);
  expect(miner.templates().map(({ text }) => text)).toEqual(["user <*> logged in with a password"]);
});
test("names of services with a number in them are no identifiers", () => {
  expect(maskLine("call to ts-travel2-service")).toBe("call to ts-travel<num>-service");
});

test("memory is bounded: the least recently seen templates go", () => {
  const miner = createTemplateMiner({ maxTemplates: 50 });
  const word = (n: number) => [...String(n)].map((digit) => "abcdefghij"[Number(digit)]).join("");
  for (let i = 0; i < 2_000; i++) miner.add(`${word(i)} ${word(i * 7)} ${word(i * 13)} ${word(i * 17)}`);
  expect(miner.templates().length).toBeLessThanOrEqual(50);
});

test("an endless line is cut", () => {
  const miner = createTemplateMiner();
  expect(miner.add("x ".repeat(1_000_000)).text.length).toBeLessThan(3_000);
});

test("the same lines in the same order give the same templates, whatever they are", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 80 }), { maxLength: 100 }), (messages) => {
      const run = () => {
        const miner = createTemplateMiner({ maxTemplates: 20 });
        return [messages.map((message) => miner.add(message).id), miner.templates().map((t) => t.text)];
      };
      expect(run()).toEqual(run());
    }),
    { numRuns: 100 },
  );
});

test("masking is the same as what the signature sees: equal masks fall into one template", () => {
  const digits = fc.stringMatching(/^[0-9]{1,6}$/);
  fc.assert(
    fc.property(digits, digits, (a, b) => {
      const miner = createTemplateMiner();
      expect(miner.add(`queue depth is ${a} of ${b}`).id).toBe(miner.add(`queue depth is ${b} of ${a}`).id);
      expect(miner.templates()).toHaveLength(1);
    }),
  );
});
