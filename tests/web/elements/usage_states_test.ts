/** `<farebox-usage>` when answers are late, refused or many, and whatever is pressed meanwhile. */
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { browserTest, withPage } from "../../support/browser.ts";
import { until } from "../../support/until.ts";
import { openWithFake } from "./usage_fake.ts";
import { serveUsage, showUsage, untilReady } from "./usage_harness.ts";
import { violations } from "./violations.ts";

// Nothing is asked of a stack here: the client is a fake.
const site = await serveUsage({ url: "http://127.0.0.1:9" });
Deno.test.afterAll(() => site.close());

const usage = (page: Page) => page.locator("farebox-usage");
const button = (page: Page, name: string | RegExp) => usage(page).getByRole("button", { name });
const total = (page: Page) => usage(page).locator('[data-figure="cost"] dd').textContent();
const rows = (page: Page) => usage(page).locator(".requests tbody tr");
const chips = (page: Page) => button(page, /^Remove the filter/);

browserTest(
  "Chart.js is loaded when the element is in a page, and not before",
  () =>
    withPage(site, {}, async (page) => {
      await openWithFake(page, site, { count: 3, days: 2 });
      const isChart = (path: string) => path.includes("usage_charts");
      assertEquals(site.scripts.filter(isChart), []);
      await showUsage(page);
      await untilReady(page);
      await usage(page).locator("canvas").first().waitFor();
      assertEquals(site.scripts.filter(isChart).length, 1, "one chunk for both charts");
      assert(
        !site.scripts.some((path) => path.includes("usage_csv")),
        "and none for what nobody asked",
      );
      assertMatch(
        await usage(page).getByRole("img").first().getAttribute("aria-label") ?? "",
        /^Bars of the spending by day, .*\$0\.03 on 2 of 30 days; most on/,
      );
    }),
);

browserTest(
  "of two ranges the one chosen last is shown, whichever is answered last",
  () =>
    withPage(site, {}, async (page) => {
      await openWithFake(page, site, { count: 60, days: 60 });
      await showUsage(page);
      await untilReady(page);
      await page.evaluate("globalThis.held = []");
      await button(page, "7 days").click();
      await button(page, "90 days").click();
      await until("all to be asked", () => page.evaluate<boolean>("held.length === 6"));
      await page.evaluate("held.slice(3).forEach(({ resolve }) => resolve())");
      await until("the sum of 90 days", async () => await total(page) === "$0.60");
      await page.evaluate(
        "(async () => { held.slice(0, 3).forEach(({ resolve }) => resolve()); " +
          "await new Promise((resolve) => setTimeout(resolve)); })()",
      );
      assertEquals(await total(page), "$0.60");
      assertEquals(await rows(page).count(), 50);
      assertEquals(await button(page, "90 days").getAttribute("aria-pressed"), "true");
    }),
);

browserTest(
  "what cannot be loaded is said, and loaded when it is tried again",
  () =>
    withPage(site, {}, async (page) => {
      await openWithFake(page, site, { count: 3, days: 2 });
      await page.evaluate("globalThis.refusal = 'NETWORK_ERROR'");
      await showUsage(page);
      await usage(page).getByRole("alert").filter({ hasText: "The sums could not" }).waitFor();
      await usage(page).getByRole("alert").filter({ hasText: "The requests could not" }).waitFor();
      assertEquals(await violations(page), []);
      await page.evaluate("globalThis.refusal = null");
      await button(page, "Try again").first().click();
      await untilReady(page);
      assertEquals([await total(page), await rows(page).count()], ["$0.03", 3]);
      assertEquals(await usage(page).getByRole("alert").count(), 0);
    }),
);

browserTest(
  "a guest is told to sign in, and an empty range that nothing was spent",
  () =>
    withPage(site, {}, async (page) => {
      await openWithFake(page, site, { count: 0, days: 1 });
      await page.evaluate("globalThis.refusal = 'FORBIDDEN'");
      await showUsage(page);
      await usage(page).getByText("Sign in to see usage.").waitFor();
      assertEquals(await usage(page).getByRole("tab").count(), 0);
      await page.evaluate("globalThis.refusal = null; tellOwner(null); tellOwner('ann')");
      await usage(page).getByText("Nothing spent in these days.").waitFor();
      assertEquals(await total(page), "$0.00");
      assertEquals(await violations(page), []);
    }),
);

browserTest(
  "a charge is shown soon after it is made, above those that were loaded before",
  () =>
    withPage(site, {}, async (page) => {
      await openWithFake(page, site, { count: 120, days: 3 });
      await showUsage(page);
      await untilReady(page);
      await button(page, "Show more").click();
      await until("two pages", async () => await rows(page).count() === 100);
      await page.evaluate("spend()");
      await until("the new sum", async () => await total(page) === "$1.21");
      await until("the new row", async () => await rows(page).count() === 101);
      assertMatch(await rows(page).first().innerText(), /fake:new/);
    }),
);

browserTest(
  "450 requests are listed page by page, each once, with the focus kept",
  () =>
    withPage(site, {}, async (page) => {
      await openWithFake(page, site, { count: 450, days: 20 });
      await showUsage(page);
      await untilReady(page);
      await button(page, "Show more").focus();
      for (let shown = 100; shown <= 450; shown += 50) {
        await page.keyboard.press("Enter");
        await until(`${shown} rows`, async () => await rows(page).count() === shown);
      }
      const ids = await page.evaluate<string[]>(
        `[...document.querySelector("farebox-usage").shadowRoot.querySelectorAll("[data-request-id]")]
        .map((row) => row.dataset.requestId)`,
      );
      assertEquals(new Set(ids).size, 450);
      assertEquals(await button(page, "Show more").count(), 0);
      assertEquals(
        await page.evaluate<string>(
          `document.activeElement.shadowRoot.activeElement.closest("tr").dataset.requestId`,
        ),
        ids[400],
        "the first that was new",
      );
    }),
);

browserTest(
  "an export tells how far it is, and can be cancelled: then there is no file",
  () =>
    withPage(site, {}, async (page) => {
      let downloads = 0;
      page.on("download", () => downloads++);
      await openWithFake(page, site, { count: 450, days: 20 });
      await showUsage(page);
      await untilReady(page);
      await page.evaluate("globalThis.held = []");
      const answerNext = async (name: string) => {
        await until(`${name} to be asked`, () => page.evaluate<boolean>("held.length > 0"));
        assertEquals(await page.evaluate<string>("held[0].name"), name);
        await page.evaluate("held.shift().resolve()");
      };
      await button(page, "Export CSV").click();
      await answerNext("usageSummary");
      await answerNext("usage");
      await usage(page).getByText("200 of 450").waitFor();
      await button(page, "Cancel").click();
      await usage(page).getByText("Export cancelled.").waitFor();
      await answerNext("usage");
      await button(page, "Export CSV").waitFor();
      assertEquals(await page.evaluate<number>("held.length"), 0, "nothing more is asked");

      await page.evaluate("globalThis.held = null");
      const downloading = page.waitForEvent("download");
      await button(page, "Export CSV").click();
      await (await downloading).path();
      await usage(page).getByText("450 rows exported.").waitFor();
      assertEquals(downloads, 1);
    }),
);

browserTest(
  "a bar that is pressed filters by its day or model, and pressed again no more",
  () =>
    withPage(site, {}, async (page) => {
      await openWithFake(page, site, { count: 90, days: 30 });
      await showUsage(page);
      await untilReady(page);
      const press = async (chart: number, at: { x: number; y: number }) => {
        const canvas = usage(page).locator("canvas").nth(chart);
        await canvas.waitFor();
        const { width, height } = (await canvas.boundingBox())!;
        await canvas.click({ position: { x: at.x * width, y: at.y * height } });
      };
      await press(1, { x: 0.4, y: 0.2 });
      await chips(page).waitFor();
      assertEquals(
        await usage(page).getByLabel("Model", { exact: true }).inputValue(),
        "fake:model-0",
      );
      await until("its rows", async () => await rows(page).count() === 30);
      await press(0, { x: 0.5, y: 0.7 });
      await until("one chip more", async () => await chips(page).count() === 2);
      await until("one row", async () => await rows(page).count() === 1);
      await press(1, { x: 0.4, y: 0.2 });
      await until("one chip less", async () => await chips(page).count() === 1);
      await until("that day's", async () => await rows(page).count() === 3);
      await chips(page).click();
      await until("all", async () => await rows(page).count() === 50);
      assertEquals(await chips(page).count(), 0);
    }),
);

browserTest(
  "charts are drawn anew in the colours of a theme that is chosen",
  () =>
    withPage(site, { reducedMotion: true }, async (page) => {
      await openWithFake(page, site, { count: 30, days: 10 });
      await showUsage(page);
      await untilReady(page);
      await usage(page).locator("canvas").first().waitFor();
      const drawn = () =>
        page.evaluate<string>(
          `document.querySelector("farebox-usage").shadowRoot.querySelector("canvas").toDataURL()`,
        );
      const light = await drawn();
      await page.evaluate(`document.documentElement.dataset.theme = "dark"`);
      await until("other colours", async () => await drawn() !== light);
      const dark = await drawn();
      await page.evaluate(`document.documentElement.dataset.theme = "light"`);
      await until("the first ones", async () => await drawn() === light);
      await page.evaluate(`delete document.documentElement.dataset.theme`);
      await page.emulateMedia({ colorScheme: "dark" });
      await until("the system's dark", async () => await drawn() === dark);
    }),
);

browserTest(
  "without the chunk of the charts their figures are shown as tables",
  () =>
    withPage(site, { expectsConsoleErrors: [/usage_charts/] }, async (page) => {
      await page.route(/usage_charts/, (route) => route.abort());
      await openWithFake(page, site, { count: 6, days: 2 });
      await showUsage(page);
      await untilReady(page);
      const table = usage(page).getByRole("table", { name: "Spending by model" });
      await until("to be seen", async () => (await table.boundingBox())!.height > 40);
      assertEquals(await violations(page), []);
    }),
);

browserTest(
  "a page that takes `farebox-receipt` on itself gets the request, and no dialog opens",
  () =>
    withPage(site, {}, async (page) => {
      await openWithFake(page, site, { count: 1, days: 1 });
      await showUsage(page);
      await untilReady(page);
      await page.evaluate(`addEventListener("farebox-receipt", (event) => {
      event.preventDefault();
      globalThis.wanted = event.detail.requestId;
    })`);
      await button(page, /^Receipt of/).click();
      assertEquals(
        await page.evaluate<string>("wanted"),
        await rows(page).first().getAttribute("data-request-id"),
      );
      assertEquals(await page.getByRole("dialog").count(), 0);
    }),
);

browserTest(
  "filters go with the one who chose them, and rows where there is no client any more",
  () =>
    withPage(site, {}, async (page) => {
      await openWithFake(page, site, { count: 9, days: 3 });
      await showUsage(page);
      await untilReady(page);
      await page.evaluate("tellOwner('ann')");
      await usage(page).getByLabel("Model", { exact: true }).selectOption("fake:model-1");
      await chips(page).waitFor();
      await page.evaluate("charges(2, 1); tellOwner('ben')");
      await until("the next one's", async () => await total(page) === "$0.02");
      assertEquals(await chips(page).count(), 0);
      await until("two rows", async () => await rows(page).count() === 2);
      await page.evaluate("web.provideFarebox(null)");
      assertEquals(await rows(page).count(), 0);
      assertNotEquals(await total(page), "$0.02");
    }),
);
