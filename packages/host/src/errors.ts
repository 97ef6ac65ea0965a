import { AppError } from "@tocsin/runtime";
import type { ConfigProblem } from "./config.ts";

export const configInvalid = (problems: readonly ConfigProblem[]) =>
  new AppError(
    "HOST_CONFIG_INVALID",
    `${problems.length === 1 ? "one setting is" : `${problems.length} settings are`} wrong:\n${problems.map((p) => `  ${p.variable} ${p.message}`).join("\n")}`,
    { details: { problems } },
  );

export const moduleUnknown = (name: string, known: readonly string[]) =>
  new AppError("HOST_MODULE_UNKNOWN", `TOCSIN_MODULES names "${name}", which is not in this program; known: ${known.join(", ")}`, {
    details: { known },
  });

/**
 * Codes that mean "the way it was set up cannot work": the process ends with exit code 2, and a supervisor that starts it again
 * changes nothing.
 */
const SETUP_CODES =
  /^(HOST_.*|HTTP_(PORT_TAKEN|ADDRESS_UNUSABLE|OPEN_WITHOUT_AUTH)|STORE_(FOLDER_UNUSABLE|MIGRATION_FAILED|AUTH_FAILED)|BUS_(AUTH_FAILED|FORBIDDEN|TOPIC_PARTITIONS)|LAB_(PORT_TAKEN|RULES_INVALID)|[A-Z]+_(URL_UNKNOWN_SCHEME|URL_INVALID|CONFIG_INVALID|\w+_FILE_INVALID))$/;

export const exitCodeOf = (error: unknown): 1 | 2 => (AppError.is(error) && SETUP_CODES.test(error.code) ? 2 : 1);
