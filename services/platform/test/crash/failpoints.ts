// Every failpoint around an outside effect, in the order in which one incident's story passes them, and how they are gone through.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Stack } from "./stack.ts";

interface Failpoint {
  /** The service to die, or `any` that comes by. */
  readonly name: string;
  readonly when: "before" | "after";
  readonly match: string;
  /** The how many-th time it is passed. */
  readonly nth: number;
}

const both = (name: string, match: string, nth = 1): Failpoint[] =>
  (["before", "after"] as const).map((when) => ({ name, when, match, nth }));
const each = (name: string, match: string, times: number): Failpoint[] =>
  Array.from({ length: times }, (_, n) => both(name, match, n + 1)).flat();

/**
 * By service. A service that reaches the end of its list begins no more. The numbers of commits are those that a story has at the least:
 * the agent claims, saves what it gathered, its diagnosis and its plan; the executor admits, begins, notes the act and ends.
 */
const POINTS: readonly (readonly Failpoint[])[] = [
  both("bridge", "^publish sre-(critical|warning|info)"),
  each("correlator", "^commit$", 3),
  both("any", "^publish (sre-events|agent-)"),
  each("sre-agent", "^commit$", 6),
  [...each("executor", "^commit$", 5), ...both("executor", "^POST .*/restart$")],
  [
    ...both("gitlab-sync", "^POST .*/issues$"),
    ...both("gitlab-sync", "^POST .*/notes$"),
    ...both("gitlab-sync", "^PUT .*/issues/"),
    ...both("gitlab-sync", "^commit$"),
  ],
];

const idOf = ({ name, when, match, nth }: Failpoint) => `${name} ${when} ${match} ${nth}`;

export interface Swept {
  readonly points: number;
  /** What each died at, in words. */
  readonly died: readonly string[];
  /** Failpoints that no story came by in time: they would show nothing. */
  readonly unreached: readonly string[];
}

/** How long a story may take to come by, in milliseconds. */
const REACHED_MS = 120_000;

/** Goes through the lists side by side: one failpoint of each service at a time, each with a story that passes it. */
export async function sweep(stack: Stack, tell: (what: string) => void): Promise<Swept> {
  const folder = stack.failpointFolder;
  const lists = POINTS.map((list) => [...list]);
  const points = lists.flat().length;
  const unreached: string[] = [];
  await Promise.all(
    lists.map(async (list) => {
      for (const point of list) {
        const file = join(folder, `${point.name}.json`);
        writeFileSync(file, JSON.stringify({ ...point, id: idOf(point) }));
        const deadline = performance.now() + REACHED_MS;
        while (existsSync(file) && performance.now() < deadline) await delay(50);
        if (existsSync(file)) unreached.push(idOf(point));
        // Its next life begins before its next death.
        else if (point.name !== "any") await stack.service(point.name).untilReady();
      }
    }),
  );
  const died = existsSync(join(folder, "died")) ? readFileSync(join(folder, "died"), "utf8").trim().split("\n") : [];
  tell(`${died.length} of ${points} failpoints were died at`);
  return { points, died, unreached };
}
