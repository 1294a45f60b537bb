/** The estimate beside the composer: of what is typed now, and asked for no oftener than that changes. */
import { assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { browserTest, withPage } from "../../support/browser.ts";
import type { TestStack } from "../../support/stack.ts";
import { newPerson } from "./bad_harness.ts";
import { composer, modelPicker, signIn } from "./page_harness.ts";

const ESTIMATE = "**/balance/estimate";
const estimate = (page: Page) => page.getByTestId("estimate");

/** Tests on this stack, which the caller stops. */
export function estimateTests(stack: TestStack): void {
  browserTest(
    "an estimate goes as soon as the model or the text is another, and comes back as the new one's",
    () =>
      withPage(stack, { expectsConsoleErrors: [/net::ERR_FAILED/] }, async (page, context) => {
        await signIn(stack, page, await newPerson(stack));
        await modelPicker(page).selectOption("openai:gpt-4o");
        await composer(page).fill("What does this cost?");
        await estimate(page).waitFor();
        const before = await estimate(page).innerText();

        const { promise: isLetThrough, resolve: letThrough } = Promise.withResolvers<void>();
        await context.route(ESTIMATE, async (route) => {
          await isLetThrough;
          await route.continue();
        });
        await modelPicker(page).selectOption("openai:gpt-4o-mini");
        await estimate(page).waitFor({ state: "detached" });
        letThrough();
        await estimate(page).waitFor();
        assertEquals(await estimate(page).innerText() === before, false);

        await context.unroute(ESTIMATE);
        await context.route(ESTIMATE, (route) => route.abort());
        await composer(page).pressSequentially("?");
        await estimate(page).waitFor({ state: "detached" });
      }),
  );

  browserTest(
    "a draft that rests is estimated once, however often the balance is asked for and is the same",
    () =>
      withPage(stack, {}, async (page) => {
        await signIn(stack, page, await newPerson(stack));
        let estimates = 0;
        page.on("request", (request) => {
          if (request.method() === "POST" && request.url().endsWith("/balance/estimate")) {
            estimates++;
          }
        });
        await composer(page).fill("What does this cost?");
        await estimate(page).waitFor();
        const isBalance = (url: string) => url.endsWith("/functions/v1/balance");
        for (let looks = 0; looks < 3; looks++) {
          const told = page.waitForResponse((response) =>
            response.request().method() === "GET" && isBalance(response.url())
          );
          await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
          await told;
          // Longer than a hand rests before it is asked.
          await page.evaluate("new Promise((resolve) => setTimeout(resolve, 700))");
        }
        assertEquals(estimates, 1);
      }),
  );
}
