/** Impatient and busy people: one question is one request, and tabs do not lose each other's answers. */
import { assertEquals } from "@std/assert";
import { browserTest, withPage } from "../../support/browser.ts";
import type { TestStack } from "../../support/stack.ts";
import { until } from "../../support/until.ts";
import { answerThatIs, assertCharges, chatRequests, newPerson, say } from "./bad_harness.ts";
import {
  answers,
  button,
  composer,
  costUnder,
  ordering,
  questions,
  signIn,
} from "./page_harness.ts";

/** Tests on this stack, which the caller stops. */
export function sendTests(stack: TestStack): void {
  for (const how of ["a double click on Send", "Enter pressed twice", "a click and Enter"]) {
    browserTest(`${how} is one request and one charge`, () =>
      withPage(stack, {}, async (page) => {
        const person = await newPerson(stack);
        await signIn(stack, page, person);
        const sent = chatRequests(page);
        await composer(page).fill("Once");
        if (how.startsWith("a double")) await button(page, "Send").dblclick();
        else if (how.startsWith("Enter")) {
          // Both at once, as fast as a browser gives them.
          await Promise.all([page.keyboard.press("Enter"), page.keyboard.press("Enter")]);
        } else {
          await page.evaluate(`(() => {
            const field = document.querySelector("textarea");
            [...document.querySelectorAll("button")].find((b) => /Send/.test(b.ariaLabel ?? b.textContent)).click();
            field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
          })()`);
        }
        await answerThatIs(page, "complete");
        assertEquals([sent.count, await questions(page).count(), await answers(page).count()], [
          1,
          1,
          1,
        ]);
        await assertCharges(stack, person, 1);
      }));
  }

  browserTest(
    "while an answer streams nothing is sent by Enter, and what is typed stays",
    () =>
      withPage(stack, {}, async (page) => {
        const person = await newPerson(stack);
        await signIn(stack, page, person);
        const sent = chatRequests(page);
        await say(
          page,
          ordering("Slowly", { output_tokens: 30, stall_after_tokens: 10, stall_ms: 1_500 }),
        );
        await answerThatIs(page, "streaming");
        assertEquals(await button(page, "Send").count(), 0);
        await composer(page).fill("The next one");
        await composer(page).press("Enter");
        await answerThatIs(page, "complete");
        assertEquals((await composer(page).inputValue()).trimEnd(), "The next one");
        assertEquals(sent.count, 1);
        await assertCharges(stack, person, 1);
      }),
  );

  browserTest(
    "two tabs that ask in one chat at once: both are charged rightly, and the chat keeps both answers",
    () =>
      withPage(stack, {}, async (page, context) => {
        const person = await newPerson(stack);
        await signIn(stack, page, person);
        await say(page, "To begin with");
        await answerThatIs(page, "complete");
        await costUnder(answers(page).last());
        const other = await context.newPage();
        await other.goto(page.url());
        await answers(other).waitFor();
        const tabs = [page, other];
        const script = { output_tokens: 30, stall_after_tokens: 10, stall_ms: 800 };
        await composer(page).fill(ordering("Of one tab", script));
        await composer(other).fill(ordering("Of the other tab", script));
        await Promise.all(tabs.map((tab) => button(tab, "Send").click()));
        await assertChargesOnceEnded(person.id, 3);
        for (const tab of tabs) {
          await until("both answers in both tabs", async () => await answers(tab).count() === 3);
          await until("no answer to be under way", async () =>
            await tab.locator('[data-testid="answer"][data-state="streaming"]').count() === 0);
        }
        const rows = await stack.sql<{ cost: string }[]>`
        select trim_scale(cost)::text as cost from public.usage_records
        where user_id = ${person.id}`;
        const costs = Array.from(rows, ({ cost }) =>
          `$${cost}`).toSorted();
        await page.reload();
        await until("all of it after a reload", async () =>
          await answers(page).count() === 3);
        const shown = await Promise.all([0, 1, 2].map((n) => costUnder(answers(page).nth(n))));
        assertEquals(shown.toSorted(), costs);
        for (const question of ["Of one tab", "Of the other tab"]) {
          await questions(page).getByText(question).waitFor();
        }
        await assertCharges(stack, person, 3);
      }),
  );

  function assertChargesOnceEnded(userId: string, count: number): Promise<unknown> {
    return until(`${count} charges`, async () => {
      const rows = await stack.sql`select from public.usage_records where user_id = ${userId}`;
      return rows.length === count;
    });
  }
}
