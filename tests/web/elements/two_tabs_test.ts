/** For whoever has two tabs: the one shows what the other has spent, of the very same chat. */
import { assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { browserTest, withPage } from "../../support/browser.ts";
import { startTestStack } from "../../support/stack.ts";
import { serveElements } from "./serve_elements.ts";

const stack = await startTestStack();
const served = await serveElements(stack);
Deno.test.afterAll(async () => {
  await served.close();
  await stack.stop();
});

/** A tab with a chat's cost and the balance, for whoever is signed in. */
async function openTab(page: Page): Promise<void> {
  await page.goto(served.url);
  await page.evaluate(`
    const publishableKey = "${stack.details.publishableKey}";
    const url = location.origin;
    globalThis.supabase = web.createClient(url, publishableKey);
    // No poll comes in time to do what the tabs are to tell each other.
    globalThis.farebox = web.createFarebox({
      supabase, url, publishableKey, realtime: false, pollMs: 3_600_000,
    });
    web.defineFareboxElements();
    web.provideFarebox(farebox);
    add("farebox-balance", {}, null);
    add("farebox-chat-cost", { "chat-id": "chat-1" }, null);
  `);
}

const total = (page: Page, text: string) =>
  page.locator("farebox-chat-cost [part=total]").getByText(text, { exact: true });

browserTest(
  "a chat's cost in one tab has the answer of the other tab, to the last digit",
  () =>
    withPage(served, {}, async (first, context) => {
      await openTab(first);
      await first.evaluate(`(async () => {
        const { error } = await supabase.auth.signUp({
          email: crypto.randomUUID() + "@example.com", password: crypto.randomUUID(),
        });
        if (error) throw error;
      })()`);
      const second = await context.newPage();
      await openTab(second);
      await total(second, "$0.00").waitFor();
      const cost = await first.evaluate<{ cost: string; balance: string }>(`(async () => {
        const messages = [{ role: "user", content: "Say hello" }];
        const answer = farebox.streamChat({ model: "openai:gpt-4o", messages }, { chatId: "chat-1" });
        for await (const event of answer) if (event.type === "cost") return event.cost;
      })()`);
      await total(first, `$${cost.cost}`).waitFor();
      await total(second, `$${cost.cost}`).waitFor();
      await second.locator(`farebox-balance [title='$${cost.balance}']`).waitFor();
      assertEquals(await second.locator("farebox-chat-cost").getAttribute("state"), "ready");
    }),
);
