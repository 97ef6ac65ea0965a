import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { SreAgentConfig } from "../src/config.ts";
import * as errors from "../src/errors.ts";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

test("the README documents every error code", () => {
  const codes = [
    errors.incidentUnknown("i").code,
    errors.roundIncomplete("i", 1, "x").code,
    errors.promptInvalid("f", "x").code,
    errors.analysisEmpty("q").code,
    errors.incidentNotOver("i", "open").code,
    errors.tooManyRequests(1).code,
  ];
  expect(codes).toHaveLength(Object.keys(errors).length);
  for (const code of codes) expect(readme).toContain(`\`${code}\``);
});

test("the README documents every setting with its default", () => {
  for (const [key, value] of Object.entries(SreAgentConfig.parse({}))) {
    const variable = `TOCSIN_SRE_AGENT_${key.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase()}`;
    const row = readme.split("\n").find((line) => line.includes(`\`${variable}\``));
    expect(row, variable).toBeDefined();
    expect(row, variable).toContain(String(value));
  }
});
