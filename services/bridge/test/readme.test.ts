import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { BridgeConfig } from "../src/config.ts";

const here = import.meta.dirname;
const readme = readFileSync(join(here, "../README.md"), "utf8");
const sources = readdirSync(join(here, "../src"), { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));

test("the README explains every code", () => {
  const codes = new Set(
    sources.flatMap((name) => readFileSync(join(here, "../src", name), "utf8").match(/(?<=")BRIDGE_[A-Z_]+(?=")/g) ?? []),
  );
  expect(codes.size).toBeGreaterThan(10);
  expect([...codes].filter((code) => !readme.includes(`\`${code}\``))).toEqual([]);
});

test("the README explains every option", () => {
  const variable = (key: string) => `TOCSIN_BRIDGE_${key.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase()}`;
  expect(Object.keys(BridgeConfig.shape).filter((key) => !readme.includes(`\`${variable(key)}\``))).toEqual([]);
});
