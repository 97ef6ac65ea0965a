import { ALERT_TOPICS, TOPICS } from "@tocsin/contracts";
import { expect, test } from "vitest";
import { nameOf, shareOf } from "../../src/embedded/membership.ts";

const member = (name: string, topics: readonly string[] = ALERT_TOPICS) => ({ member: name, topics });

test.each([1, 2, 3, 5, 8, 11])("%i members hold every partition exactly once, none two more than another", (count) => {
  const members = Array.from({ length: count }, (_, i) => member(`m${i}`));
  const shares = members.map(({ member: name }) => shareOf(name, members, ALERT_TOPICS));
  const names = shares.flat().map(nameOf);
  expect(names).toHaveLength(24);
  expect(new Set(names).size).toBe(24);
  for (const topic of ALERT_TOPICS) {
    const sizes = shares.map((share) => share.filter((partition) => partition.topic === topic).length);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
  }
});

test("the order of the rows does not matter", () => {
  const members = [member("a"), member("b"), member("c")];
  expect(shareOf("b", members.toReversed(), ALERT_TOPICS)).toEqual(shareOf("b", members, ALERT_TOPICS));
});

test("a member that does not subscribe to a topic gets none of it", () => {
  const members = [member("a", [TOPICS.critical]), member("b", [TOPICS.critical, TOPICS.events])];
  expect(shareOf("b", members, [TOPICS.events])).toHaveLength(8);
  expect(shareOf("a", members, [TOPICS.critical])).toHaveLength(4);
});
