import * as z from "zod";

/** `TOCSIN_CORRELATOR_<KEY>`; the numbers of grouping itself are in `DEFAULT_CORRELATION` of `@tocsin/correlation`. */
export const CorrelatorConfig = z.object({
  /** Most alerts in one transaction. */
  maxBatch: z.coerce.number().int().min(1).max(5_000).default(500),
  /** How often the topology is asked for, in seconds. */
  topologySeconds: z.coerce.number().positive().default(10),
  /** How near in time counts as together, in seconds (sliding). */
  windowSeconds: z.coerce.number().positive().default(300),
  /** How often flapping alerts that went quiet are looked for, in seconds. */
  releaseSeconds: z.coerce.number().positive().default(15),
  /** `alertname`s of alerts that fire always, with commas: they open no incident. */
  watchdogNames: z
    .string()
    .default("Watchdog,DeadMansSwitch,InfoInhibitor")
    .transform((text) =>
      text
        .split(",")
        .map((name) => name.trim())
        .filter(Boolean),
    ),
});
export type CorrelatorConfig = z.output<typeof CorrelatorConfig>;
