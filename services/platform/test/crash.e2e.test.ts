// Every service of the product dies at random moments, again and again, while alerts come in and nodes of a fleet break and are mended; the
// broker, the database and the cache go away meanwhile. Afterwards nothing that was acknowledged may be missing and nothing may have been
// done twice.
//   TOCSIN_CRASH_SEED    goes through an earlier run again
//   TOCSIN_CRASH_ROUNDS  kills of each service (default 10)
//   TOCSIN_CRASH_SECONDS over how long (default 6 a round)
//   TOCSIN_CRASH_FULL=1  Kafka 30 s and Postgres 60 s away instead of what just forces every path
import { eventually, lacks, PROMETHEUS_PROGRAMS } from "@tocsin/testkit";
import { expect, test } from "vitest";
import { sweep } from "./crash/failpoints.ts";
import { torment } from "./crash/faults.ts";
import { backlog, judge, missing } from "./crash/oracle.ts";
import { PARTS_PROGRAMS } from "./crash/parts.ts";
import { chanceOf } from "./crash/random.ts";
import { SERVICES, startStack } from "./crash/stack.ts";

const seed = Number(process.env["TOCSIN_CRASH_SEED"] ?? Math.floor(Math.random() * 1e9));
const rounds = Number(process.env["TOCSIN_CRASH_ROUNDS"] ?? 10);
const seconds = Number(process.env["TOCSIN_CRASH_SECONDS"] ?? rounds * 6);
const isFull = process.env["TOCSIN_CRASH_FULL"] === "1";
/** How long everything may take to come to rest once the faults have ended: leases, restarts and back-offs included. */
const REST_MS = 180_000;
const tell = (what: string) => process.stderr.write(`crash: ${what}\n`);

test.skipIf(lacks(...PARTS_PROGRAMS, ...PROMETHEUS_PROGRAMS))(
  "nothing acknowledged is lost and nothing is done twice, whatever dies",
  async () => {
    tell(`seed ${seed}, ${rounds} kills of each of ${SERVICES.length} services in ${seconds} s`);
    const chance = chanceOf(seed);
    const stack = await startStack("crash", chance);
    try {
      stack.load.run(20);
      const breaking = stack.breakNodes(2_500);
      await torment(
        stack,
        chance,
        {
          rounds,
          spreadMs: seconds * 1_000,
          kafkaAwayMs: isFull ? 30_000 : 8_000,
          postgresAwayMs: isFull ? 60_000 : 5_000,
          redisAwayMs: 5_000,
        },
        tell,
      );
      // Then each boundary around an outside effect once, on purpose: stronger than chance, which rarely hits the moment between two lines.
      const swept = await sweep(stack, tell);
      await Promise.all([breaking.stop(), stack.load.finish()]);
      const endedAt = performance.now();
      await Promise.all([...stack.services.values()].map((service) => service.untilReady(REST_MS)));
      await eventually(
        "everything has come to rest",
        async () => {
          const waiting = await backlog(stack);
          if (Object.keys(waiting).length > 0) throw new Error(JSON.stringify(waiting));
          return (await missing(stack)).length === 0 ? true : undefined;
        },
        REST_MS,
      );
      const restSeconds = Math.round((performance.now() - endedAt) / 1_000);
      const { figures, violations } = await judge(stack);
      const kills = [...stack.services.values()].reduce((sum, service) => sum + service.kills, 0);
      const ownEnds = [...stack.services.values()].flatMap((service) => service.ownEnds);
      tell(JSON.stringify({ seed, kills, failpoints: swept.died.length, ownEnds: ownEnds.length, restSeconds, ...figures }));
      expect(violations).toEqual([]);
      expect(swept.unreached).toEqual([]);
      expect(swept.died).toHaveLength(swept.points);
      expect(kills).toBe(rounds * SERVICES.length);
      // A run in which nothing was mended would have shown nothing about acting.
      expect(figures["acts"]).toBeGreaterThan(0);
      expect(figures["lost"]).toBe(0);
      expect(figures["inNoIncident"]).toBe(0);
    } finally {
      await stack.stop();
    }
  },
  seconds * 1_000 + 600_000,
);
