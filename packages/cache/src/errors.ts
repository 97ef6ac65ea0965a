import { AppError, messageOf } from "@tocsin/runtime";

export const cacheUnavailable = (cause: unknown) =>
  new AppError("CACHE_UNAVAILABLE", `Redis does not answer: ${messageOf(cause)}`, { retryable: true, cause });

export const cacheUrlUnknownScheme = (url: string) =>
  new AppError("CACHE_URL_UNKNOWN_SCHEME", `TOCSIN_CACHE_URL=${url.split("//")[0]}… has no adapter; known: memory:, redis://, rediss://`);
