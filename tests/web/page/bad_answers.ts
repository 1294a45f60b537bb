/** Answers that are none, or end before their end: the sentence is right, and so is the cost. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { browserTest, withPage } from "../../support/browser.ts";
import type { TestStack } from "../../support/stack.ts";
import { until } from "../../support/until.ts";
import {
  answerThatIs,
  assertCharges,
  assertKept,
  assertShown,
  charged,
  newPerson,
  problem,
  say,
} from "./bad_harness.ts";
import { button, ordering, signIn } from "./page_harness.ts";

/** Tests on this stack, which the caller stops; its proxy tries once more than it must. */
export function answerTests(stack: TestStack): void {
  browserTest(
    "an empty answer is said to be one, and costs nothing",
    () =>
      withPage(stack, { expectsStatus: [502] }, async (page) => {
        const person = await newPerson(stack);
        await signIn(stack, page, person);
        await say(page, ordering("Say nothing", { empty: true }));
        await problem(page, "EMPTY_ANSWER");
        await assertCharges(stack, person, 0);
        await button(page, "Try again").waitFor();
        await say(page, "Say something");
        await assertShown(stack, person, await answerThatIs(page, "complete"));
        await assertCharges(stack, person, 1);
      }),
  );

  browserTest(
    "an answer that an error event, a lost connection or an early end breaks off: what came is kept, and what that cost is shown",
    () =>
      withPage(stack, {}, async (page) => {
        const person = await newPerson(stack);
        await signIn(stack, page, person);
        const breaks = [
          { error_frame_after_tokens: 30 },
          { drop_after_tokens: 30 },
          { end_after_tokens: 30 },
        ];
        for (const [index, script] of breaks.entries()) {
          await button(page, "New chat").click();
          await say(page, ordering("Tell me", { output_tokens: 60, ...script }));
          const answer = await answerThatIs(page, "cut");
          await problem(page, "UPSTREAM_ERROR");
          assert((await answer.innerText()).length > 60);
          await assertShown(stack, person, answer);
          await assertCharges(stack, person, index + 1);
        }
        await button(page, "Try again").click();
        await until("the second try to be charged", async () =>
          (await charged(stack, person)).length === breaks.length + 1);
        assertEquals(await page.getByTestId("question").count(), 1);
      }),
  );

  browserTest(
    "an answer that the provider's filter or a length has ended says so, and what was delivered is charged",
    () =>
      withPage(stack, {}, async (page) => {
        const person = await newPerson(stack);
        await signIn(stack, page, person);
        const endings = [
          ["content_filter", "CONTENT_FILTER", /filter/],
          ["length", "OUTPUT_LIMIT_REACHED", /longest/],
        ] as const;
        for (const [index, [finish, code, says]] of endings.entries()) {
          await button(page, "New chat").click();
          await say(page, ordering("Tell me", { output_tokens: 20, finish }));
          assertMatch(await (await problem(page, code)).innerText(), says);
          await assertShown(stack, person, await answerThatIs(page, "cut"));
          await assertCharges(stack, person, index + 1);
        }
      }),
  );

  browserTest(
    "a provider that fails all retries costs nothing, and Try again asks it anew",
    () =>
      withPage(stack, { expectsStatus: [502] }, async (page) => {
        const person = await newPerson(stack);
        await signIn(stack, page, person);
        const script = { fail: 500, fail_times: 2, key: crypto.randomUUID() };
        await say(page, ordering("Tell me", script));
        const alert = await problem(page, "UPSTREAM_ERROR");
        assertMatch(await alert.innerText(), /not(hing)? (was )?charged/i);
        await assertCharges(stack, person, 0);
        await button(alert, "Try again").click();
        await assertShown(stack, person, await answerThatIs(page, "complete"));
        assertEquals(await page.getByRole("alert").count(), 0);
        await assertCharges(stack, person, 1);
      }),
  );

  browserTest(
    "a request that is too long for the model, or that the provider finds wrong, is kept to be changed, not to be tried again",
    () =>
      withPage(stack, { expectsStatus: [400] }, async (page) => {
        const person = await newPerson(stack);
        await signIn(stack, page, person);
        const refusals = [
          ["context_length_exceeded", "context_length_exceeded", [
            "Shorten",
            "Choose another model",
          ]],
          ["unsupported_value", "INVALID_REQUEST", ["Shorten"]],
        ] as const;
        for (const [code, shown, steps] of refusals) {
          const message = "The maximum context length is 16385 tokens.";
          const error = { message, type: "invalid_request_error", param: "messages", code };
          await page.route(
            "**/chat/completions",
            (route) => route.fulfill({ status: 400, json: { error } }),
          );
          await say(page, "A long story");
          const alert = await problem(page, shown);
          await assertKept(page, "A long story");
          for (const step of steps) await button(alert, step).click();
          assertEquals(await button(alert, "Try again").count(), 0);
        }
        await page.unroute("**/chat/completions");
        await button(page, "Send").click();
        await assertShown(stack, person, await answerThatIs(page, "complete"));
      }),
  );
}
