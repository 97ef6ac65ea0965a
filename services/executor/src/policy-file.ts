import { readFile } from "node:fs/promises";
import { DEFAULT_POLICY, limitsOf, PolicyConfig } from "@tocsin/runbooks";
import { messageOf } from "@tocsin/runtime";
import { parse } from "yaml";
import * as z from "zod";
import { policyInvalid } from "./errors.ts";

/**
 * The policy of a file, or the shipped one. What the file does not say has its shipped default, environments included.
 *
 * @throws AppError `EXECUTOR_CONFIG_INVALID` with every problem: a policy that is not understood is never replaced by a laxer one
 */
export async function loadPolicy(file: string | undefined): Promise<PolicyConfig> {
  if (file === undefined) return DEFAULT_POLICY;
  let raw: unknown;
  try {
    raw = parse(await readFile(file, "utf8"), { maxAliasCount: 0 });
  } catch (error) {
    throw policyInvalid(file, messageOf(error), error);
  }
  const parsed = PolicyConfig.safeParse(raw ?? {});
  if (!parsed.success) throw policyInvalid(file, z.prettifyError(parsed.error));
  const policy = { ...parsed.data, environments: { ...DEFAULT_POLICY.environments, ...parsed.data.environments } };
  for (const environment of Object.keys(policy.environments)) {
    try {
      limitsOf(policy, environment);
    } catch (error) {
      const reason = error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error);
      throw policyInvalid(file, `environments.${environment}.limits: ${reason}`, error);
    }
  }
  return policy;
}
