/** Answers that are none, or end before their end: the sentence is right, and so is the cost. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { browserTest, withPage } from "../../support/browser.ts";
import type { TestStack } from "../../support/stack.ts";
import {
  answerThatIs,
  assertCharges,
  assertKept,
  assertShown,
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

  for (
    const [what, script] of [
      ["an error event in mid-stream", { output_tokens: 60, error_frame_after_tokens: 30 }],
      ["a provider that drops the connection", { output_tokens: 60, drop_after_tokens: 30 }],
      ["a stream that just ends", { output_tokens: 60, end_after_tokens: 30 }],
    ] as const
  ) {
    browserTest(
      `${what} leaves what came, says so, and shows what that cost`,
      () =>
        withPage(stack, {}, async (page) => {
          const person = await newPerson(stack);
          await signIn(stack, page, person);
          await say(page, ordering("Tell me", script));
          const answer = await answerThatIs(page, "cut");
          await problem(page, "UPSTREAM_ERROR");
          assert((await answer.innerText()).length > 60);
          await assertShown(stack, person, answer);
          await assertCharges(stack, person, 1);
          await button(page, "Try again").click();
          await answerThatIs(page, "cut");
          await assertCharges(stack, person, 2);
          assertEquals(await page.getByTestId("question").count(), 1);
        }),
    );
  }

  browserTest(
    "an answer that the provider's filter ended says so, and what was delivered is charged",
    () =>
      withPage(stack, {}, async (page) => {
        const person = await newPerson(stack);
        await signIn(stack, page, person);
        await say(page, ordering("Tell me", { output_tokens: 20, finish: "content_filter" }));
        const answer = await answerThatIs(page, "cut");
        const alert = await problem(page, "CONTENT_FILTER");
        assertMatch(await alert.innerText(), /filter/i);
        await assertShown(stack, person, answer);
        await assertCharges(stack, person, 1);
      }),
  );

  browserTest(
    "an answer that reached the length that the model may write says so",
    () =>
      withPage(stack, {}, async (page) => {
        const person = await newPerson(stack);
        await signIn(stack, page, person);
        await say(page, ordering("Tell me", { output_tokens: 20, finish: "length" }));
        await problem(page, "OUTPUT_LIMIT_REACHED");
        await assertShown(stack, person, await answerThatIs(page, "cut"));
        await assertCharges(stack, person, 1);
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

  for (
    const [what, code, shown, steps] of [
      ["is too long for the model", "context_length_exceeded", "context_length_exceeded", [
        "Shorten",
        "Choose another model",
      ]],
      ["the provider finds wrong", "unsupported_value", "INVALID_REQUEST", ["Shorten"]],
    ] as const
  ) {
    browserTest(
      `a request that ${what} is kept to be changed, not to be tried again`,
      () =>
        withPage(stack, { expectsStatus: [400] }, async (page) => {
          const person = await newPerson(stack);
          await signIn(stack, page, person);
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
          await page.unroute("**/chat/completions");
          await button(page, "Send").click();
          await assertShown(stack, person, await answerThatIs(page, "complete"));
        }),
    );
  }
}
