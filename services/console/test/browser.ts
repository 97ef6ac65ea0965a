import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { findProgram } from "@tocsin/testkit";
import axe from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { expect } from "vitest";

/** Git-ignored; CI keeps it. */
export const ARTIFACTS = fileURLToPath(new URL("../../../.artifacts/console", import.meta.url));
mkdirSync(ARTIFACTS, { recursive: true });

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: findProgram("chromium") as string,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
    ],
  });

export interface Watched {
  readonly page: Page;
  /** What the browser complained of, and every request that left the origin. */
  readonly complaints: string[];
  close(): Promise<void>;
}

/** A page of a new context whose complaints are collected. */
export async function openPage(browser: Browser, address: string, options: BrowserContextOptions = {}): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  // What is asked is whether it comes; how soon, beside a dozen other suites on two cores, is asked by the bench.
  page.setDefaultTimeout(60_000);
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !/Failed to load resource|ERR_CONNECTION_REFUSED/.test(message.text()))
      complaints.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(address) && !request.url().startsWith("data:")) complaints.push(`left the origin: ${request.url()}`);
  });
  return { page, complaints, close: () => context.close() };
}

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** Finds nothing against WCAG 2.2 A and AA. */
export async function expectAccessible(page: Page, name: string): Promise<void> {
  await page.evaluate(axe.source);
  // As text: this file is checked without the types of a browser.
  const found = await page.evaluate<{ id: string; nodes: { html: string; failureSummary: string }[] }[]>(
    `axe.run(document, { runOnly: ${JSON.stringify(RULES)}, resultTypes: ["violations"] }).then(({ violations }) => violations)`,
  );
  const lines = found.map(
    ({ id, nodes }) =>
      `${id}: ${nodes
        .slice(0, 3)
        .map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary.slice(0, 300)}`)
        .join(" | ")}`,
  );
  expect(lines, name).toEqual([]);
}

export const overflow = (page: Page): Promise<number> => page.evaluate("document.documentElement.scrollWidth - innerWidth");
