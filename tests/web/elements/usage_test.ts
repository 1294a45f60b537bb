/** `<farebox-usage>`: its sums, bars, rows and file are the database's, whoever looks and whenever. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import Papa from "papaparse";
import type { Page } from "playwright-core";
import { formatCost } from "../../../web/elements/money_text.ts";
import { browserTest, withPage } from "../../support/browser.ts";
import { startTestStack } from "../../support/stack.ts";
import { until } from "../../support/until.ts";
import {
  HOSTILE_CHAT,
  serveUsage,
  showUsage,
  signUpInPage,
  untilReady,
  writeCharges,
} from "./usage_harness.ts";
import { violations } from "./violations.ts";

const stack = await startTestStack();
const site = await serveUsage(stack);
Deno.test.afterAll(async () => {
  await site.close();
  await stack.stop();
});

const usage = (page: Page) => page.locator("farebox-usage");
const figure = (page: Page, name: string) => usage(page).locator(`[data-figure="${name}"] dd`);
const texts = async (page: Page, section: string) =>
  await usage(page).locator(`section[aria-label="${section}"] table tbody tr`).allTextContents();

/** A new user's usage, in the page, with charges of some days. */
async function show(page: Page, charges = { days: 40, aDay: 9, models: 12 }): Promise<string> {
  const userId = await signUpInPage(page, site, stack.details.publishableKey);
  await writeCharges(stack.sql, userId, charges);
  await showUsage(page);
  await untilReady(page);
  return userId;
}

/** What the ledger says of the last 30 days, in UTC. */
const since = stack
  .sql`(date_trunc('day', now() at time zone 'utc') - interval '29 days') at time zone 'utc'`;

browserTest(
  "sums, days and models of 30 days are the database's to the last digit",
  () =>
    withPage(site, {}, async (page) => {
      const userId = await show(page);
      const [total] = await stack.sql`
      select trim_scale(sum(cost))::text as cost, count(*) filter (where sequence = 0)::int as requests
      from public.usage_records where user_id = ${userId} and created_at >= ${since}`;
      assertEquals(await figure(page, "cost").textContent(), formatCost(total!["cost"]));
      assertEquals(
        await figure(page, "requests").textContent(),
        Number(total!["requests"]).toLocaleString("en-US"),
      );

      const byDay = await stack.sql<{ cost: string }[]>`
      select trim_scale(coalesce(sum(u.cost), 0))::text as cost
      from generate_series(${since}, now(), interval '1 day') d
      left join public.usage_records u on u.user_id = ${userId}
        and (u.created_at at time zone 'utc')::date = (d at time zone 'utc')::date
      group by d order by d`;
      const days = await texts(page, "Spending by day");
      assertEquals(days.length, 30, "days without spending are there too");
      for (const [index, { cost }] of byDay.entries()) {
        assertStringIncludes(days[index]!, formatCost(cost));
      }

      const byModel = await stack.sql<{ cost: string }[]>`
      select trim_scale(sum(cost))::text as cost from public.usage_records
      where user_id = ${userId} and created_at >= ${since}
      group by provider_id, model_id order by sum(cost) desc`;
      const models = await texts(page, "Spending by model");
      assertEquals(models.length, 9, "the eight dearest, and the others");
      for (const [index, { cost }] of byModel.slice(0, 8).entries()) {
        assertStringIncludes(models[index]!, formatCost(cost));
      }
    }),
);

browserTest(
  "the CSV file has every row of the range, exact, and nothing that a spreadsheet would run",
  () =>
    withPage(site, {}, async (page) => {
      const userId = await show(page);
      const rows = await stack.sql<Record<string, string>[]>`
      select
        request_id::text, (extract(epoch from created_at) * 1000000)::bigint::text as microseconds,
        case when chat_id like '=%' then '''' else '' end || coalesce(chat_id, '') as chat_id,
        provider_id || ':' || model_id as model, provider_id as provider,
        input_tokens::text, cache_read_tokens::text, cache_write_5m_tokens::text,
        cache_write_1h_tokens::text, output_tokens::text, trim_scale(cost)::text as cost,
        trim_scale(collected)::text as collected, trim_scale(uncollected)::text as uncollected,
        basis, case sequence when 0 then 'charge' else 'correction' end as kind
      from public.usage_records
      where user_id = ${userId} and created_at >= ${since}
      order by created_at desc, request_id desc, sequence desc`;
      assert(rows.length > 200, "more than one page");
      const downloading = page.waitForEvent("download");
      await usage(page).getByRole("button", { name: "Export CSV" }).click();
      const download = await downloading;
      assertMatch(
        download.suggestedFilename(),
        /^farebox-usage-\d{4}-\d\d-\d\d--\d{4}-\d\d-\d\d\.csv$/,
      );
      const csv = await Deno.readTextFile(await download.path());
      const { data, errors } = Papa.parse<Record<string, string>>(csv.replace(/^\uFEFF/, ""), {
        header: true,
        skipEmptyLines: true,
      });
      assertEquals(errors, []);
      const told = data.map(({ created_at, ...row }) => {
        const [, seconds = "", fraction = ""] =
          /^(.*?)(?:\.(\d+))?(?:Z|\+00:00)$/.exec(created_at!) ?? [];
        const microseconds = `${Date.parse(`${seconds}Z`) / 1000}${fraction.padEnd(6, "0")}`;
        return { ...row, microseconds };
      });
      assertEquals(told, rows.map((row) => ({ ...row })), "row by row, the newest first");
      const chats = data.map(({ chat_id }) => chat_id ?? "");
      assert(chats.includes(`'${HOSTILE_CHAT}`));
      assert(chats.every((chat) => !/^[=+\-@\t\r]/.test(chat)));
    }),
);

browserTest(
  "a filter by model lists that model's requests alone, by keyboard, until its chip is removed",
  () =>
    withPage(site, {}, async (page) => {
      await show(page, { days: 3, aDay: 6, models: 3 });
      const rows = usage(page).getByRole("table").last().locator("tbody tr");
      const all = await rows.count();
      await usage(page).getByLabel("Model", { exact: true }).focus();
      await page.keyboard.press("ArrowDown");
      const chip = usage(page).getByRole("button", { name: /^Remove the filter/ });
      await chip.waitFor();
      const model = await usage(page).getByLabel("Model", { exact: true }).inputValue();
      await until("only its rows", async () => {
        const shown = await rows.allInnerTexts();
        return shown.length > 0 && shown.length < all && shown.every((row) => row.includes(model));
      });
      await chip.focus();
      await page.keyboard.press("Enter");
      await until("all rows again", async () => await rows.count() === all);
    }),
);

browserTest(
  "a receipt opens from a row, closes by Escape, and gives the focus back",
  () =>
    withPage(site, { expectsStatus: [404] }, async (page) => {
      await show(page, { days: 1, aDay: 2, models: 1 });
      const button = usage(page).getByRole("button", { name: /receipt/i }).first();
      await button.focus();
      await page.keyboard.press("Enter");
      const receipt = usage(page).locator("dialog farebox-receipt");
      await receipt.getByText("Total").first().waitFor();
      await page.keyboard.press("Escape");
      await receipt.waitFor({ state: "hidden" });
      assertMatch(
        await page.evaluate<string>(
          "document.activeElement.shadowRoot.activeElement.getAttribute('aria-label') ?? document.activeElement.shadowRoot.activeElement.textContent",
        ),
        /receipt/i,
      );
    }),
);

browserTest(
  "a first day after the last is refused in a sentence, and nothing is asked for",
  () =>
    withPage(site, {}, async (page) => {
      await show(page, { days: 2, aDay: 1, models: 1 });
      await usage(page).getByRole("button", { name: "Custom" }).click();
      await usage(page).getByLabel("From").fill("2026-11-20");
      await usage(page).getByLabel("To", { exact: true }).fill("2026-11-01");
      await usage(page).getByText("The first day must not be after the last.").waitFor();
    }),
);

browserTest(
  "the credits are the database's, with the balance after each",
  () =>
    withPage(site, {}, async (page) => {
      await show(page, { days: 1, aDay: 1, models: 1 });
      await usage(page).getByRole("tab", { name: "Credits" }).click();
      const row = usage(page).getByRole("table").last().locator("tbody tr").first();
      await row.waitFor();
      const text = await row.innerText();
      assertStringIncludes(text, "$10.00");
      assertMatch(text, /Welcome/i);
    }),
);

browserTest(
  "whoever signs in next sees nothing of the one before",
  () =>
    withPage(site, {}, async (page) => {
      await show(page, { days: 3, aDay: 4, models: 2 });
      assert(await figure(page, "cost").textContent() !== "$0.00");
      await page.evaluate(`(async () => {
      const { error } = await supabase.auth.signUp({
        email: crypto.randomUUID() + "@example.com", password: crypto.randomUUID(),
      });
      if (error) throw error;
    })()`);
      await until(
        "the next one's sum",
        async () => await figure(page, "cost").textContent() === "$0.00",
      );
      assertEquals(await usage(page).getByRole("button", { name: /receipt/i }).count(), 0);
    }),
);

for (const colorScheme of ["light", "dark"] as const) {
  browserTest(
    `axe finds nothing wrong with the usage page in the ${colorScheme}, and a phone is wide enough`,
    () =>
      withPage(site, { colorScheme }, async (page) => {
        await show(page, { days: 20, aDay: 5, models: 6 });
        assertEquals(await violations(page), []);
        await page.setViewportSize({ width: 320, height: 700 });
        await until(
          "nothing to be wider than the screen",
          async () =>
            await page.evaluate<boolean>("document.documentElement.scrollWidth <= innerWidth"),
        );
        assertEquals(
          await page.evaluate<string[]>(`[...document.querySelector("farebox-usage").shadowRoot
          .querySelectorAll("button, select, input")].filter((element) => {
            const { left, right, width } = element.getBoundingClientRect();
            return width > 0 && (left < 0 || right > innerWidth + 1);
          }).map((element) => element.outerHTML)`),
          [],
          "every control is within reach",
        );
      }),
  );
}
