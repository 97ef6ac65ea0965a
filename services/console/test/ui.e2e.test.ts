import { rmSync } from "node:fs";
import { join } from "node:path";
import { insertAutonomyChange } from "@tocsin/store";
import { eventually, lacks } from "@tocsin/testkit";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ARTIFACTS, expectAccessible, launch, openPage, overflow, type Watched } from "./browser.ts";
import { bundle, type ConsoleUnderTest, consoleUnderTest } from "./console-under-test.ts";
import { opened, thought } from "./seed.ts";
import { EFFECT, fact, HOSTILE, STORY, seedStory, tell } from "./story.ts";

const PAGES = [
  ["now", "/"],
  ["incidents", "/incidents"],
  ["incident", `/incidents/${STORY}`],
  ["replay", `/incidents/${STORY}/replay`],
  ["services", "/services"],
  ["service", "/services/payments"],
  ["runbooks", "/runbooks"],
  ["runbook", `/runbooks/memory-leak-restart?incident=${STORY}`],
  ["drills", "/drills"],
  ["insights", "/insights?hours=2160"],
  ["audit", "/audit"],
  ["quarantine", "/quarantine"],
  ["settings", "/settings"],
  ["not-found", "/nowhere"],
] as const;

describe.skipIf(lacks("chromium"))("the console in a browser", () => {
  let browser: Browser;
  let folder: string;
  let under: ConsoleUnderTest;
  let watched: Watched;

  beforeAll(async () => {
    [browser, folder] = await Promise.all([launch(), bundle()]);
  });
  afterAll(async () => {
    await browser?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    under = await consoleUnderTest(folder);
    await seedStory(under.store.sql);
  });
  afterEach(async () => {
    await watched?.close();
    await under.stop();
  });
  const open = async (path: string, options = {}) => {
    watched = await openPage(browser, under.address, options);
    await watched.page.goto(under.address + path);
    await watched.page.waitForSelector("main h1, main .empty").catch(async (error: Error) => {
      throw new Error([error.message, ...watched.complaints, await watched.page.content()].join("\n"));
    });
    return watched.page;
  };

  test.each([
    ["dark", 1440],
    ["light", 390],
  ] as const)("every page is accessible, fits and complains of nothing: %s, %i px", { timeout: 180_000 }, async (colorScheme, width) => {
    const page = await open("/", { colorScheme, viewport: { width, height: width < 600 ? 844 : 900 } });
    await page.waitForSelector(".live-sign[data-status=live]");
    for (const [name, path] of PAGES) {
      await page.goto(under.address + path);
      await page.waitForSelector("main h1, main .empty");
      await page.waitForSelector(".skeleton, .chart-place, .map-place", { state: "detached" });
      expect(await overflow(page), `${name} is wider than the screen`).toBeLessThanOrEqual(0);
      await page.screenshot({ path: join(ARTIFACTS, `${name}-${colorScheme}-${String(width)}.png`), fullPage: true });
      await expectAccessible(page, `${name} ${colorScheme}`);
    }
    expect(watched.complaints).toEqual([]);
  });

  test("what telemetry says is text, whatever it looks like", async () => {
    const page = await open(`/incidents/${STORY}`);
    await page.waitForSelector(".prose table");
    expect(await page.title()).not.toBe("owned");
    expect(await page.locator(".evidence p").first().textContent()).toContain(HOSTILE);
    expect(await page.locator("main img, main script").count()).toBe(0);
    expect(await page.locator('a[href^="javascript:"]').count()).toBe(0);
    expect(await page.locator(".prose a").allTextContents()).toEqual(["good"]);
    await page.locator(".templates summary").first().click();
    expect(await page.locator(".examples").first().textContent()).toContain("<b>out of memory</b>");
    expect(watched.complaints).toEqual([]);
  });

  test("follows a restart of the server without a gap or a repetition, and says that it is behind meanwhile", async () => {
    const page = await open(`/incidents/${STORY}`);
    const { sql } = under.store;
    const rows = page.locator(".events .event-text", { hasText: "step " });
    await page.waitForSelector(".live-sign[data-status=live]");
    await tell(sql, fact("step 1"), fact("step 2"));
    await rows.nth(1).waitFor();
    await under.stopServer();
    await page.waitForSelector(".live-sign[data-status=behind]");
    await tell(sql, fact("step 3"), fact("step 4"));
    await under.startServer();
    await page.waitForSelector(".live-sign[data-status=live]");
    await tell(sql, fact("step 5"));
    await rows.nth(4).waitFor();
    expect(await rows.allTextContents()).toEqual(["step 1", "step 2", "step 3", "step 4", "step 5"]);
  });

  test("an approval is bound to what was read: a changed plan refuses the old answer", async () => {
    const page = await open("/");
    const { sql } = under.store;
    const card = page.locator(".approval");
    await card.waitFor();
    expect(await card.textContent()).toContain("restart payments");
    await page.getByRole("button", { name: /^Approve/ }).click();
    // Between the first click and the second the plan becomes another.
    const other = `sha256:${"b".repeat(64)}`;
    await sql.query("UPDATE approvals SET digest = $1, effect = $2 WHERE id = 'apr_1'", [other, EFFECT.replaceAll("restart", "stop")]);
    await page.getByRole("button", { name: /Yes, do exactly this/ }).click();
    await page.getByRole("alert").filter({ hasText: "The plan has changed" }).waitFor();
    const { rows } = await sql.query<{ state: string }>("SELECT state FROM approvals WHERE id = 'apr_1'");
    expect(rows[0]?.state).toBe("pending");
    // Read anew, it can be answered.
    await card.filter({ hasText: "stop payments" }).waitFor();
    await page.getByRole("button", { name: /^Approve/ }).click();
    await page.getByRole("button", { name: /Yes, do exactly this/ }).click();
    await card.waitFor({ state: "detached" });
    const after = await sql.query<{ state: string; decided_by: string }>("SELECT state, decided_by FROM approvals WHERE id = 'apr_1'");
    expect(after.rows[0]).toEqual({ state: "approved", decided_by: "console" });
  });

  test("tells through the desktop what needs a person, once it was allowed and only while nobody looks", async () => {
    const page = await open("/settings");
    // Headless Chromium shows no desktop notification: what the page hands over is kept instead, and whether it asked if somebody looks.
    await page.addInitScript(`
      window.told = [];
      window.asked = 0;
      window.isAway = false;
      Object.defineProperty(document, "hidden", { get: () => { window.asked += 1; return window.isAway; } });
      window.Notification = class {
        static permission = "granted";
        static requestPermission = async () => "granted";
        constructor(title, options) { window.told.push(title + ": " + options.body + " " + options.tag); }
      };`);
    await page.reload();
    // The box is ticked once the browser has said yes.
    await page.getByLabel(/on the desktop/).click();
    await page.getByRole("checkbox", { checked: true }).waitFor();
    await page.waitForSelector(".live-sign[data-status=live]");
    const { sql } = under.store;
    const before = await page.evaluate<number>("window.asked");
    await tell(sql, opened("inc_seen"));
    // Not by a function of the page's own, which its content security policy would not let it make.
    const inPage = (name: string, expression: string) =>
      eventually(name, async () => ((await page.evaluate<boolean>(expression)) ? true : undefined));
    await inPage("the first is looked at", `window.asked > ${String(before)}`);
    await page.evaluate("window.isAway = true");
    await tell(sql, opened("inc_unseen"));
    await inPage("the second is told", "window.told.length > 0");
    expect(await page.evaluate("window.told")).toEqual(["An incident opened: opened inc_unseen:opened"]);
  });

  test("everything on the way from the alert to the decision works by keyboard alone", async () => {
    const page = await open("/");
    await page.waitForSelector("[data-row]");
    await page.keyboard.press("/");
    await page.keyboard.type("paymem");
    await page.waitForSelector(".palette-item[data-active-item]");
    await page.keyboard.press("Enter");
    await page.waitForURL(`**/incidents/${STORY}*`);
    await page.waitForSelector("[data-shortcut=a]");
    await page.keyboard.press("a");
    await page.getByText("seen by console").waitFor();
    await page.keyboard.press("y");
    await page.getByRole("button", { name: /Yes, do exactly this/ }).waitFor();
    await page.keyboard.press("y");
    await page.locator(".approval").waitFor({ state: "detached" });
    await page.keyboard.press("e");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.type("needs the database team");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    await page.locator(".incident-title .badge", { hasText: "escalated" }).waitFor();
    await page.keyboard.press("p");
    await page.waitForURL("**/replay*");
    await page.waitForSelector(".player");
    await page.keyboard.press("ArrowRight");
    await page.getByText("2 of").waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("a");
    await page.waitForURL("**/audit*");
    await page.locator("td", { hasText: "incident.escalated" }).waitFor();
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  });

  test("a plain runbook is begun from the incident and its steps are ticked off, which outlives the page", async () => {
    const page = await open(`/incidents/${STORY}`);
    const follow = page.getByRole("button", { name: /^Follow / }).first();
    const title = ((await follow.getAttribute("aria-label")) ?? "").replace("Follow ", "");
    await follow.click();
    const section = page.getByRole("region", { name: title });
    await section.getByRole("checkbox").first().click();
    await section.getByText(/^1 of \d+ steps? done/).waitFor();
    await page.reload();
    await page
      .getByRole("region", { name: title })
      .getByText(/^1 of \d+ steps? done/)
      .waitFor();
    expect(await page.getByRole("region", { name: title }).getByRole("checkbox").first().isChecked()).toBe(true);
  });

  test("ten thousand events draw only what is in sight, and scroll to the last", async () => {
    const { sql } = under.store;
    for (let n = 0; n < 10; n++) await tell(sql, ...Array.from({ length: 1_000 }, (_, i) => thought(STORY, 100 + n * 1_000 + i)));
    const page = await open(`/incidents/${STORY}`);
    const frame = page.locator(".events-frame");
    await page.getByText(/^100\d\d events/).waitFor();
    expect(await frame.locator("li").count()).toBeLessThan(80);
    const frames = await page.evaluate<number[]>(`(async () => {
      const element = document.querySelector(".events-frame");
      const took = [];
      for (let n = 1; n <= 60; n++) {
        const before = performance.now();
        element.scrollTop = (element.scrollHeight * n) / 60;
        await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
        took.push(performance.now() - before);
      }
      return took;
    })()`);
    await frame.getByText("thought 10099", { exact: true }).waitFor();
    // Two frames of a loaded machine, most of the time; a list that draws all rows takes seconds each time.
    expect(frames.toSorted((a, b) => a - b)[30]).toBeLessThan(500);
  });

  test("a runbook's dry run says what stands in the way, what would be done, and what a person has to give first", async () => {
    const page = await open(`/runbooks/memory-leak-restart?incident=${STORY}`);
    const outcome = page.getByRole("region", { name: "Outcome" });
    await outcome.getByText("It would be refused in production.").waitFor();
    expect(await outcome.locator(".rule:visible").allTextContents()).toEqual([
      expect.stringMatching(/^refused\s*Cool-down memory-leak-restart ran on payments 40 s ago/),
      expect.stringMatching(/^needs approval\s*Autonomy L2 acts after an approval/),
    ]);
    await outcome.getByText("3 other rules would allow it").click();
    expect(await outcome.locator(".rule:visible[data-verdict=allow]").count()).toBe(3);
    const step = page.locator(".dry .step");
    expect(await step.textContent()).toMatch(
      /restart payments[\s\S]*nothing to undo[\s\S]*only if memory[\s\S]*holds now[\s\S]*good when error_ratio[\s\S]*not yet/,
    );
    await page.getByText("nothing was touched").waitFor();

    await page.goto(`${under.address}/runbooks/pool-size-raise?incident=${STORY}`);
    await outcome.getByText("There is no plan, so nothing would be asked for.").waitFor();
    await outcome.getByText("connections: a person has to give it").waitFor();
    await page.getByLabel(/^connections/).fill("40");
    await page.keyboard.press("Enter");
    await page.locator(".dry .step", { hasText: "set pool-size of payments to 40" }).waitFor();
    expect(watched.complaints).toEqual([]);
  });

  test("a plan that waits for a person can be looked at again from the incident, as things are now", async () => {
    const page = await open(`/incidents/${STORY}`);
    await page.locator(".approval").getByText("Dry run: what would it do now?").click();
    const outcome = page.locator(".approval").getByRole("region", { name: "Outcome" });
    await outcome.getByText("A person would be asked first in production.").waitFor();
    await expectAccessible(page, "an approval with its dry run");
  });

  test("what a runbook's record changed is shown with its reason, and a person decides what it proposes", async () => {
    const { sql } = under.store;
    const change = { runbook: "memory-leak-restart", environment: "production", at: new Date().toISOString() };
    await insertAutonomyChange(sql, {
      ...change,
      id: "chg_1",
      kind: "demoted",
      reason: "1 of 4 runs helped in 30 days, 3 made it worse",
      by: "executor",
    });
    await insertAutonomyChange(sql, {
      ...change,
      id: "chg_2",
      kind: "proposed",
      reason: "10 of 10 runs helped in 30 days",
      by: "executor",
    });
    const page = await open("/runbooks/memory-leak-restart");
    const panel = page.getByRole("region", { name: "Autonomy" });
    await panel.getByText("demoted to ask first in production by executor").waitFor();
    await panel.getByText("1 of 4 runs helped in 30 days, 3 made it worse").waitFor();
    await panel.getByText("promotion proposed in production by executor").waitFor();
    await panel.getByRole("button", { name: "Let it act by itself in production" }).click();
    await page.getByRole("dialog").getByLabel("Reason").fill("watched it for a month");
    await page.getByRole("dialog").getByRole("button", { name: "Promote" }).click();
    await panel.getByText(/^promoted to act by itself in production by console/).waitFor();
    await panel.getByText("watched it for a month").waitFor();
    expect(await panel.getByRole("button").count()).toBe(0);
    const { rows } = await sql.query<{ action: string }>(
      "SELECT action FROM journal WHERE subject = 'runbook:memory-leak-restart' ORDER BY seq",
    );
    expect(rows.map(({ action }) => action)).toEqual(["autonomy.promoted"]);
  });

  test("an executor that is away is said, and asked again", async () => {
    const DRY = /\/dry-run\?/;
    const page = await open("/");
    await page.route(DRY, (route) =>
      route.fulfill({ status: 503, json: { code: "CONSOLE_UPSTREAM_UNAVAILABLE", detail: "executor does not answer" } }),
    );
    await page.goto(`${under.address}/runbooks/memory-leak-restart?incident=${STORY}`);
    await page.getByRole("alert").filter({ hasText: "executor does not answer" }).waitFor();
    await page.unroute(DRY);
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByText("It would be refused in production.").waitFor();
  });

  test("the line that a rule draws is in the evidence's chart and in its words", async () => {
    const page = await open(`/incidents/${STORY}`);
    const chart = page.locator(".evidence .chart [role=img]").first();
    await chart.locator("canvas").waitFor();
    expect(await chart.getAttribute("aria-label")).toContain("threshold 150 MB, the last value is above it");
    await page.getByText("before 100 MB · threshold 150 MB, the last value is above it", { exact: true }).waitFor();
  });

  test("filters stand in the address and a link shows the same", async () => {
    const page = await open("/incidents?state=resolved%2Cclosed");
    await page.locator(".incident-row").first().waitFor();
    expect(await page.locator(".incident-row-title").allTextContents()).toEqual(["checkout: MemoryGrowing"]);
    await page.getByLabel("State").selectOption("");
    await page.locator(".incident-row").nth(1).waitFor();
    await page.getByLabel("Severity").selectOption("critical");
    await page.waitForURL("**/incidents?severity=critical");
    await page.reload();
    await page.locator(".incident-row").first().waitFor();
    expect(await page.locator(".incident-row-title").allTextContents()).toEqual(["payments: MemoryGrowing"]);
  });

  test("a page that cannot be had says why and comes back", async () => {
    const AUDIT = /\/api\/v1\/audit(\?|$)/;
    const page = await open("/");
    await page.route(AUDIT, (route) => route.fulfill({ status: 500, json: { code: "INTERNAL_ERROR", detail: "no luck" } }));
    await page.goto(`${under.address}/audit`);
    await page.getByRole("alert").filter({ hasText: "no luck" }).waitFor();
    await page.unroute(AUDIT);
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByText("Nothing has been decided yet").waitFor();
  });
});
