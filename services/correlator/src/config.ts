import { STORM } from "@tocsin/contracts";
import * as z from "zod";
import { readRules } from "./rule-file.ts";

/** `TOCSIN_CORRELATOR_<KEY>`; the numbers of grouping itself are in `DEFAULT_CORRELATION` of `@tocsin/correlation`. */
export const CorrelatorConfig = z.object({
  /** Most alerts in one transaction. Default 2,000 on Postgres; 500 on PGlite, where everything else waits for a transaction. */
  maxBatch: z.coerce.number().int().min(1).max(5_000).optional(),
  /** How often the topology is asked for, in seconds. */
  topologySeconds: z.coerce.number().positive().default(10),
  /** How near in time counts as together, in seconds (sliding). */
  windowSeconds: z.coerce.number().positive().default(300),
  /** How often flapping alerts that went quiet, suppressed ones that are held back no longer, and silent watchdogs are looked for, in seconds. */
  releaseSeconds: z.coerce.number().positive().default(15),
  /** How long a watchdog may be silent before that is an incident, in seconds. 0 never. */
  watchdogSilentSeconds: z.coerce.number().min(0).default(300),
  /** So many incidents opened within `stormWindowSeconds` are a storm. As the executor's policy counts it. */
  stormIncidents: z.coerce.number().int().positive().default(STORM.incidents),
  stormWindowSeconds: z.coerce.number().positive().default(STORM.windowSeconds),
  /** YAML of a rule file, most often through `TOCSIN_CORRELATOR_RULES_FILE`: what it says goes before the settings here. */
  rules: z
    .string()
    .default("")
    .superRefine((yaml, context) => {
      const read = readRules(yaml);
      if (read.kind === "invalid")
        for (const { line, column, text } of read.problems)
          context.addIssue({ code: "custom", message: `line ${line}:${column}: ${text}` });
    }),
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
