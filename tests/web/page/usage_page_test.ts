/** The usage page: its sums, its table and its file are the database's. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import Papa from "papaparse";
import { browserTest, withPage } from "../../support/browser.ts";
import { exact } from "../../support/charges.ts";
import { startTestStack } from "../../support/stack.ts";
import { until } from "../../support/until.ts";
import { asCost, askToTheEnd, dialog, modelPicker, signUp } from "./page_harness.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());

browserTest(
  "the usage page's sum, rows and CSV file are the database's, and each row has its receipt",
  () =>
    withPage(stack, {}, async (page) => {
      const user = await signUp(stack, page);
      await askToTheEnd(page, "One", { output_tokens: 31, prompt_tokens: 700 });
      await askToTheEnd(page, "Two", { output_tokens: 57, cached_tokens: 3 });
      await modelPicker(page).selectOption("anthropic:claude-opus-4-1");
      await askToTheEnd(page, "Three", { output_tokens: 11 });
      const rows = Array.from(
        await stack.sql<{ request_id: string; model: string; cost: string; output: number }[]>`
      select request_id, provider_id || ':' || model_id as model, cost::text,
        output_tokens as output
      from public.usage_records where user_id = ${user.id} order by created_at desc`,
      );
      assertEquals(rows.length, 3);
      const sum = rows.reduce((total, { cost }) => total + exact(cost), 0n);
      const digits = sum.toString().padStart(11, "0");
      const total = asCost(`${digits.slice(0, -10)}.${digits.slice(-10)}`);

      await page.getByRole("link", { name: "Usage" }).click();
      await page.getByRole("heading", { name: "Usage", exact: true }).waitFor();
      const usage = page.locator("farebox-usage");
      await usage.getByText(total, { exact: false }).first().waitFor();
      const table = usage.getByRole("table").last();
      await until("three rows", async () => await table.getByRole("row").count() >= 4);
      const shown = await table.getByRole("row").allInnerTexts();
      for (const [index, row] of rows.entries()) {
        assertMatch(shown[index + 1]!, new RegExp(row.model.split(":")[1]!));
        assert(shown[index + 1]!.includes(asCost(row.cost)), shown[index + 1]);
      }

      const downloading = page.waitForEvent("download");
      await usage.getByRole("button", { name: /csv/i }).click();
      const download = await downloading;
      assertMatch(download.suggestedFilename(), /\.csv$/);
      const csv = await Deno.readTextFile(await download.path());
      const { data, errors } = Papa.parse<Record<string, string>>(csv.replace(/^\uFEFF/, ""), {
        header: true,
        skipEmptyLines: true,
      });
      assertEquals(errors, []);
      assertEquals(
        data.map(({ request_id, model, cost }) => ({ request_id, model, cost: exact(cost!) })),
        rows.map(({ request_id, model, cost }) => ({ request_id, model, cost: exact(cost) })),
      );

      await table.getByRole("row").nth(1).getByRole("button").first().click();
      const receipt = dialog(page, "Receipt").locator("farebox-receipt");
      await receipt.getByText(asCost(rows[0]!.cost)).first().waitFor();
      await page.keyboard.press("Escape");
      await receipt.waitFor({ state: "hidden" });
      await page.getByRole("heading", { name: "Usage", exact: true }).waitFor();
    }),
);
