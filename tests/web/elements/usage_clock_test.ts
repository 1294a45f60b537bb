/** For whoever has a clock that is wrong: what they have just paid is in "the last 30 days". */
import { assertEquals, assertStringIncludes } from "@std/assert";
import Papa from "papaparse";
import type { Page } from "playwright-core";
import { reachOf } from "../../../web/elements/usage_range.ts";
import { browserTest, withPage } from "../../support/browser.ts";
import { until } from "../../support/until.ts";
import { openWithFake } from "./usage_fake.ts";
import { serveUsage, showUsage, untilReady } from "./usage_harness.ts";

// Nothing is asked of a stack here: the client is a fake.
const site = await serveUsage({ url: "http://127.0.0.1:9" });
Deno.test.afterAll(() => site.close());

const DAY_MS = 86_400_000;
const usage = (page: Page) => page.locator("farebox-usage");
const total = (page: Page) => usage(page).locator('[data-figure="cost"] dd').textContent();
const days = (page: Page) =>
  usage(page).locator('section[aria-label="Spending by day"] table tbody tr').allTextContents();

/** Charges of now, as the ledger has it, on a device whose clock is `ms` off. */
async function showOnClock(page: Page, ms: number): Promise<string> {
  await openWithFake(page, site, { count: 2, days: 1 });
  const today = await page.evaluate<string>(`(() => {
    const today = new Date();
    const now = () => today.getTime() + ${ms};
    const ledgers = Date;
    globalThis.onLedgersClock = (work) => {
      const devices = Date;
      globalThis.Date = ledgers;
      work();
      globalThis.Date = devices;
    };
    globalThis.Date = new Proxy(Date, {
      construct: (target, given) => given.length === 0 ? new target(now()) : new target(...given),
      get: (target, name) => name === "now" ? now : Reflect.get(target, name),
    });
    return today.toISOString().slice(0, 10);
  })()`);
  await showUsage(page);
  await untilReady(page);
  return today;
}

browserTest(
  "what was paid just now is in the sums, bars, rows and file of a device whose clock is a day behind",
  () =>
    withPage(site, {}, async (page) => {
      const today = await showOnClock(page, -25 * 3_600_000);
      assertEquals(await total(page), "$0.02");
      const bars = await days(page);
      assertStringIncludes(bars.at(-1)!, "$0.02");
      assertEquals(await usage(page).locator(".requests tbody tr").count(), 2);
      assertEquals(await usage(page).getByLabel("To", { exact: true }).inputValue(), today);
      const downloading = page.waitForEvent("download");
      await usage(page).getByRole("button", { name: "Export CSV" }).click();
      const download = await downloading;
      assertStringIncludes(download.suggestedFilename(), `--${today}.csv`);
      const { data } = Papa.parse(await Deno.readTextFile(await download.path()), {
        header: true,
        skipEmptyLines: true,
      });
      assertEquals(data.length, 2);
    }),
);

browserTest(
  "the day of the newest charge can be chosen there, stays chosen with more days, and a new cost keeps it",
  () =>
    withPage(site, {}, async (page) => {
      const today = await showOnClock(page, -25 * 3_600_000);
      const day = usage(page).getByLabel("Day", { exact: true });
      await day.selectOption(today);
      await usage(page).getByRole("button", { name: "7 days", exact: true }).click();
      await untilReady(page);
      assertEquals(await day.inputValue(), today);
      await page.evaluate("onLedgersClock(spend)");
      await until("the new cost", async () => await total(page) === "$0.03");
      assertEquals(await day.inputValue(), today);
      assertEquals(await usage(page).locator(".requests tbody tr").count(), 3);
    }),
);

browserTest(
  "a clock that is a day ahead hides nothing either",
  () =>
    withPage(site, {}, async (page) => {
      await showOnClock(page, DAY_MS);
      assertEquals(await total(page), "$0.02");
      assertEquals((await days(page)).length, 30);
    }),
);

Deno.test("days until today reach to the newest charge, and are never more than a year", () => {
  const open = { from: "2026-11-01", to: "2026-11-22", isOpen: true };
  const upTo = (range: Parameters<typeof reachOf>[0], ...keys: string[]) => {
    const { from, to } = reachOf(range, keys.map((key) => ({ key })));
    return [from, to];
  };
  assertEquals(upTo(open), ["2026-11-01", "2026-11-22"]);
  assertEquals(upTo(open, "2026-11-23", "2026-11-02"), ["2026-11-01", "2026-11-23"]);
  assertEquals(upTo(open, "2028-01-01"), ["2027-01-01", "2028-01-01"]);
  const chosen = { from: "2026-11-01", to: "2026-11-22" };
  assertEquals(upTo(chosen, "2026-11-23"), ["2026-11-01", "2026-11-22"]);
});
