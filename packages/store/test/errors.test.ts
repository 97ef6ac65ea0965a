import { readFile } from "node:fs/promises";
import { AppError } from "@tocsin/runtime";
import { expect, test } from "vitest";
import { queryError } from "../src/errors.ts";

const read = (path: string) => readFile(new URL(path, import.meta.url), "utf8");

test("the README documents every code", async () => {
  const codes = new Set((await read("../src/errors.ts")).match(/(?<=")STORE_[A-Z_]+(?=")/g));
  const readme = await read("../README.md");
  expect(codes.size).toBeGreaterThan(5);
  expect([...codes].filter((code) => !readme.includes(`\`${code}\``))).toEqual([]);
});

const thrown = (code: string, message = "x") => Object.assign(new Error(message), { code });

test("what may pass by itself is retryable, what will fail again is not", () => {
  for (const code of ["ECONNREFUSED", "ECONNRESET", "57P01", "57P03", "08006", "53300", "25P03"])
    expect(queryError(thrown(code), "q")).toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
  for (const message of ["Connection terminated unexpectedly", "timeout exceeded when trying to connect", "Query read timeout"])
    expect(queryError(new Error(message), "q")).toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
  for (const code of ["40001", "40P01", "55P03", "57014"])
    expect(queryError(thrown(code), "q")).toMatchObject({ code: "STORE_QUERY_FAILED", retryable: true });
  for (const code of ["42601", "23503", "22P02"])
    expect(queryError(thrown(code), "q")).toMatchObject({ code: "STORE_QUERY_FAILED", retryable: false });
});

test("a server that is there and lets nobody in is told from one that is away", () => {
  for (const code of ["28P01", "28000", "3D000"])
    expect(queryError(thrown(code, "no"), "q")).toMatchObject({ code: "STORE_AUTH_FAILED", retryable: false });
});

test("our own errors pass through as they are", () => {
  const own = new AppError("STORE_FENCED", "no");
  expect(queryError(own, "q")).toBe(own);
});
