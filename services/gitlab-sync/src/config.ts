import * as z from "zod";

export const GitlabSyncConfig = z
  .object({
    /** e.g. `https://gitlab.example`. Unset: this module does nothing. */
    url: z.url({ protocol: /^https?$/ }).optional(),
    token: z.string().min(1).optional(),
    /** Id or full path of the project that holds the incidents. */
    project: z.string().min(1).optional(),
    /** Who gets the incidents that a person has to take over: a user name. */
    assignee: z
      .string()
      .transform((name) => name.replace(/^@/, ""))
      .optional(),
    /** Labels on every incident, with commas. */
    labels: z
      .string()
      .default("tocsin")
      .transform((text) => text.split(",").flatMap((label) => label.trim() || [])),
    /** Where people reach the console, for the link in the description. */
    consoleUrl: z.url({ protocol: /^https?$/ }).optional(),
    /** What changes within this time is told at once: GitLab.com takes 60 notes a minute. */
    coalesceSeconds: z.coerce.number().min(0).max(600).default(5),
    /** How often to look for incidents that GitLab does not know everything of. */
    sweepSeconds: z.coerce.number().positive().default(300),
    /** For how long a closed incident is still told of. */
    backfillDays: z.coerce.number().positive().default(1),
    timeoutMs: z.coerce.number().int().positive().default(15_000),
  })
  .superRefine((config, context) => {
    if (config.url === undefined) return;
    for (const key of ["token", "project"] as const)
      if (config[key] === undefined) context.addIssue({ code: "custom", path: [key], message: "is needed beside TOCSIN_GITLAB_SYNC_URL" });
  });
export type GitlabSyncConfig = z.output<typeof GitlabSyncConfig>;
