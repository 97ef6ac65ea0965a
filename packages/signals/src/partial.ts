import { AppError, messageOf } from "@tocsin/runtime";
import type { Answer } from "./ports.ts";

/** Codes that speak of the query, so of the caller, and not of a source. */
const OF_THE_CALLER = ["PROMQL_SYNTAX", "PROMQL_UNSUPPORTED"] as const;

/** Is this the caller's mistake, which no other source and no later time would answer? */
const isCallersMistake = (error: unknown): boolean => AppError.is(error, ...OF_THE_CALLER);

/** What is missing, in words, with the code in front. */
export const missing = (error: unknown): string => (AppError.is(error) ? `${error.code}: ${error.message}` : messageOf(error));

/** The answer, or `empty` and in words why. A mistake of the caller's is thrown on. */
export async function answerOr<T>(empty: T, ask: () => Promise<T | Answer<T>>): Promise<Answer<T>> {
  try {
    const got = await ask();
    return isAnswer(got) ? got : { value: got, partial: [] };
  } catch (error) {
    if (isCallersMistake(error) || !AppError.is(error)) throw error;
    return { value: empty, partial: [missing(error)] };
  }
}

const isAnswer = <T>(got: T | Answer<T>): got is Answer<T> => typeof got === "object" && got !== null && "partial" in got && "value" in got;
