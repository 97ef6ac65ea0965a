// What is done to the stack while it works. Every moment comes from the seeded chance, so that a run that failed can be gone through again.
import { setTimeout as delay } from "node:timers/promises";
import type { Chance } from "./random.ts";
import type { Stack } from "./stack.ts";
import type { Supervised } from "./supervised.ts";

export interface FaultPlan {
  /** Kills of each service. */
  readonly rounds: number;
  /** Over this time, in milliseconds. */
  readonly spreadMs: number;
  readonly kafkaAwayMs: number;
  readonly postgresAwayMs: number;
  readonly redisAwayMs: number;
}

/** Kills every service so many times at random moments, and meanwhile takes the engines away, one after the other. */
export async function torment(stack: Stack, chance: Chance, plan: FaultPlan, tell: (what: string) => void): Promise<void> {
  const kills = [...stack.services.values()].map((service) => killer(service, chance, plan));
  await Promise.all([...kills, engines(stack, plan, tell)]);
}

async function killer(service: Supervised, chance: Chance, { rounds, spreadMs }: FaultPlan): Promise<void> {
  const moments = Array.from({ length: rounds }, () => chance.between(0, spreadMs)).sort((a, b) => a - b);
  const startedAt = performance.now();
  for (const moment of moments) {
    await delay(Math.max(0, moment - (performance.now() - startedAt)));
    service.kill();
  }
}

async function engines({ parts }: Stack, plan: FaultPlan, tell: (what: string) => void): Promise<void> {
  const pause = plan.spreadMs / 12;
  const away = async (what: string, engine: { halt(signal?: NodeJS.Signals): Promise<void>; resume(): Promise<void> }, ms: number) => {
    tell(`${what} away for ${ms / 1_000} s`);
    await engine.halt("SIGKILL");
    await delay(ms);
    await engine.resume();
    await delay(pause);
  };
  const terminate = async () => {
    tell("every database connection ended");
    await parts
      .rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'tocsin%' AND pid <> pg_backend_pid()")
      .catch(() => []);
    await delay(pause);
  };
  await delay(pause);
  await away("Redis", parts.redis, plan.redisAwayMs);
  await terminate();
  await away("Kafka", parts.kafka, plan.kafkaAwayMs);
  await away("Postgres", parts.postgres, plan.postgresAwayMs);
  await terminate();
}
