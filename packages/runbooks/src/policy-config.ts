import { STORM } from "@tocsin/contracts";
import * as z from "zod";
import { Autonomy } from "./format.ts";

const Seconds = z.number().positive();

/** The numbers that bound automation. Defaults and sources: practice F ("adopt"). */
export const Limits = z.strictObject({
  /** Wait after a run of the same runbook on the same target, by how often it ran within `repeatWindow`: the first, the second, … */
  cooldownSeconds: z.array(Seconds).min(1).default([300, 600, 1_200, 3_600]),
  repeatWindowSeconds: Seconds.default(21_600),
  perServicePerHour: z.number().int().min(0).default(3),
  globalPerHour: z.number().int().min(0).default(20),
  /** Runs at a time, over all targets; one per target and one per service always. */
  globalAtOnce: z.number().int().min(0).default(3),
  /** The youngest sample of the target may be this old. */
  freshSignalSeconds: Seconds.default(120),
  /** This many incidents opened within five minutes are a storm: a mass event is rarely that many local faults. */
  stormIncidents: z.number().int().positive().default(STORM.incidents),
  /** Targets of one run. */
  maxTargets: z.number().int().positive().default(1),
  /** Of the replicas of a service, rounded down but at least one. */
  maxReplicaShare: z.number().min(0).max(1).default(0.2),
  /** Failures in a row after which a runbook rests for `breakerSeconds`. */
  breakerFailures: z.number().int().positive().default(3),
  breakerSeconds: Seconds.default(3_600),
  /** Failures in a row after which a runbook is off until a person re-enables it. */
  breakerOffFailures: z.number().int().positive().default(5),
  /** Within `recordDays`, so many regressions or failures take a runbook from L3 to L2; 0 never does. */
  demoteAfterRegressions: z.number().int().min(0).default(1),
  demoteAfterFailures: z.number().int().min(0).default(2),
  recordDays: z.number().positive().default(30),
  /** What a promotion to L3 needs within `recordDays`. */
  promoteRuns: z.number().int().positive().default(20),
  promoteSuccessRatio: z.number().min(0).max(1).default(0.95),
  /** Above this burn rate only runbooks tagged `mitigation` run. */
  maxBurnRate: z.number().positive().default(14.4),
});
export type Limits = z.output<typeof Limits>;

const Weekday = z.enum(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]);
const TimeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, "a time of day is HH:MM, in UTC");

export const Freeze = z.union([
  z.strictObject({ reason: z.string(), environments: z.array(z.string()).optional(), from: z.iso.datetime(), to: z.iso.datetime() }),
  z.strictObject({
    reason: z.string(),
    environments: z.array(z.string()).optional(),
    days: z.array(Weekday).min(1),
    from: TimeOfDay,
    /** At or before `from`: on the next day. */
    to: TimeOfDay,
  }),
]);
export type Freeze = z.output<typeof Freeze>;

/** Who said that a runbook may run by itself in an environment. It still needs the record for it. */
const Promotion = z.strictObject({ runbook: z.string(), environment: z.string(), by: z.string().min(1), at: z.iso.datetime() });

/** A rule caps the autonomy of what it matches; an absent member matches anything. The lowest of all that match holds. */
const AutonomyRule = z.strictObject({
  environment: z.string().optional(),
  service: z.string().optional(),
  runbook: z.string().optional(),
  severity: z.enum(["critical", "warning", "info"]).optional(),
  level: Autonomy,
});

/** What a service promises: this share of its requests within the window. An absent service means every one without its own. */
const Objective = z.strictObject({
  service: z.string().min(1).optional(),
  ratio: z.number().gt(0).lt(1),
  windowDays: z.number().positive().max(90).default(30),
});
export type Objective = z.output<typeof Objective>;

export const PolicyConfig = z.strictObject({
  /** The autonomy of environments that are not named. */
  autonomy: Autonomy.default("L2"),
  limits: Limits.prefault({}),
  /** By environment: its own autonomy, and limits that replace the ones above. */
  environments: z
    .record(z.string(), z.strictObject({ autonomy: Autonomy.optional(), limits: z.record(z.string(), z.unknown()).default({}) }))
    .default({}),
  rules: z.array(AutonomyRule).default([]),
  freezes: z.array(Freeze).default([]),
  /** Availability objectives by which the executor keeps error budgets. */
  objectives: z.array(Objective).default([{ ratio: 0.99, windowDays: 30 }]),
  promotions: z.array(Promotion).default([]),
});
export type PolicyConfig = z.output<typeof PolicyConfig>;

/**
 * The policy when none is given. The lab is there to be broken and mended many times in a row by somebody who looks on, so it runs by
 * itself, with short cool-downs and no demotion; everything else waits for a person.
 */
export const DEFAULT_POLICY: PolicyConfig = PolicyConfig.parse({
  environments: {
    lab: {
      autonomy: "L3",
      limits: {
        cooldownSeconds: [15, 30, 60, 120],
        perServicePerHour: 30,
        globalPerHour: 200,
        stormIncidents: STORM.labIncidents,
        demoteAfterRegressions: 0,
        demoteAfterFailures: 0,
      },
    },
  },
});

/** The objective of a service: its own, or the one for all. */
export const objectiveOf = (policy: PolicyConfig, service: string): Objective | undefined =>
  policy.objectives.find((each) => each.service === service) ?? policy.objectives.find((each) => each.service === undefined);

/** The limits that hold in an environment. @throws ZodError when the environment's own name a limit that there is not */
export function limitsOf(policy: PolicyConfig, environment: string): Limits {
  const own = Object.hasOwn(policy.environments, environment) ? policy.environments[environment] : undefined;
  return own ? Limits.parse({ ...policy.limits, ...own.limits }) : policy.limits;
}
