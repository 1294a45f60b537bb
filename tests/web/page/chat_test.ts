/** From the sign-up to the price of an answer: what the page shows is what the ledger says. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import type { Page } from "playwright-core";
import { browserTest, withPage } from "../../support/browser.ts";
import { accountOf, exact, receiptOf } from "../../support/charges.ts";
import { startTestStack } from "../../support/stack.ts";
import { until } from "../../support/until.ts";
import {
  asBalance,
  asCost,
  ask,
  askToTheEnd,
  balanceOf,
  balanceShown,
  button,
  costUnder,
  dialog,
  settledCharge,
  signUp,
  untilBalance,
  untilState,
  visit,
} from "./page_harness.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());

/** The access token that the page keeps. */
async function tokenOf(page: Page): Promise<string> {
  const { origins } = await page.context().storageState();
  const kept = origins.flatMap(({ localStorage }) => localStorage)
    .find(({ name }) => name.endsWith("-auth-token"));
  return JSON.parse(kept!.value).access_token;
}

browserTest("sign-up shows $10.00, once granted", () =>
  withPage(stack, {}, async (page) => {
    const user = await signUp(stack, page);
    await untilBalance(page, "$10.00");
    assertEquals(await balanceOf(stack, user), "10.0000000000");
    const grants = await stack.sql`
      select kind, amount::text from public.balance_transactions where user_id = ${user.id}`;
    assertEquals(Array.from(grants, (row) => ({ ...row })), [
      { kind: "grant", amount: "10.0000000000" },
    ]);
    await page.getByText(user.email).first().waitFor();
  }));

browserTest(
  "an answer streams visibly, and its Markdown is rendered",
  () =>
    withPage(stack, {}, async (page) => {
      await signUp(stack, page);
      const text = "## Fares\n\nA **bold** word, `code`, and a list:\n\n" +
        Array.from({ length: 12 }, (_, i) => `- stop ${i + 1} of the line\n`).join("") +
        "\n| zone | fare |\n| --- | --- |\n| 1 | 2.10 |\n\n```ts\nconst fare = 2;\n```\n";
      const { answer } = await ask(page, "Tell me", { text, token_ms: 8 });
      const lengths = new Set<number>();
      await until("the answer to be complete", async () => {
        if (await answer.getAttribute("data-state") !== "streaming") return true;
        lengths.add((await answer.innerText()).length);
        return false;
      });
      assert(lengths.size >= 3, `lengths seen: ${[...lengths]}`);
      const seen = [...lengths];
      // Marks of Markdown that have become a form are no text any more.
      const losses = seen.map((length, i) => Math.max(0, (seen[i - 1] ?? 0) - length));
      assert(Math.max(...losses) <= 5, `the answer only grows: ${seen}`);
      await untilState(answer, "complete");
      await answer.getByRole("heading", { name: "Fares" }).waitFor();
      assertEquals(await answer.getByRole("listitem").count(), 12);
      assertEquals(await answer.locator("strong").innerText(), "bold");
      assertEquals(await answer.getByRole("cell").allInnerTexts(), ["1", "2.10"]);
      assertMatch(await answer.locator("pre code").innerText(), /const fare = 2;/);
    }),
);

browserTest(
  "the cost under the answer is the receipt's and the database's to the last decimal, and the receipt says why",
  () =>
    withPage(stack, {}, async (page) => {
      const user = await signUp(stack, page);
      const order = { output_tokens: 37, prompt_tokens: 1_003, cached_tokens: 401 };
      const { answer, requestId, cost } = await askToTheEnd(page, "What is a fare box?", order);
      const charge = await settledCharge(stack, requestId);
      assertEquals(cost, asCost(charge.cost));
      const receipt = await receiptOf(stack, { token: await tokenOf(page) }, requestId);
      assertEquals(cost, asCost(receipt.cost));
      assertStringIncludes(await answer.getByTestId("cost").innerText(), "openai:gpt-4o");
      assertStringIncludes(await answer.getByTestId("cost").innerText(), "37 out");
      assertEquals(exact(await balanceOf(stack, user)), exact("10") - exact(charge.cost));
      await untilBalance(page, asBalance(await balanceOf(stack, user)));

      await button(answer, "Why this price?").click();
      const shown = dialog(page, "Receipt").locator("farebox-receipt");
      const rows = shown.getByRole("row");
      await until("the receipt", async () => await rows.count() > receipt.lines.length);
      const table = (await rows.allInnerTexts()).join("\n");
      for (const line of receipt.lines.filter(({ tokens }) => tokens > 0)) {
        assertStringIncludes(table, asCost(line.cost));
        assertStringIncludes(table, line.price_per_1k);
      }
      assertStringIncludes(table, cost);
      await shown.getByText(asBalance(receipt.balance_before)).or(
        shown.getByText(asCost(receipt.balance_before)),
      ).first().waitFor();
      await shown.getByText(asCost(receipt.balance_after)).first().waitFor();
    }),
);

browserTest(
  "the balance falls with the cost line, from the answer's own last comment",
  () =>
    withPage(stack, {}, async (page) => {
      const user = await signUp(stack, page);
      await untilBalance(page, "$10.00");
      // Whoever asks for the balance now waits: what is shown can only come from the answer.
      const held: (() => Promise<void>)[] = [];
      await page.route(
        "**/functions/v1/balance",
        (route) => void held.push(() => route.continue()),
      );
      const { answer, requestId } = await ask(page, "Hello", { output_tokens: 300 });
      await costUnder(answer);
      await untilBalance(page, asBalance(await balanceOf(stack, user)));
      assert(await balanceShown(page) !== "$10.00");
      await settledCharge(stack, requestId);
      for (const go of held) {
        await go();
      }
    }),
);

browserTest(
  "stop charges what was shown, and leaves nothing held",
  () =>
    withPage(stack, {}, async (page) => {
      const user = await signUp(stack, page);
      const order = { output_tokens: 600, token_ms: 10 };
      const { answer, requestId } = await ask(page, "Tell me a long story", order);
      await until("some text", async () => (await answer.innerText()).length > 300);
      await button(page, "Stop").click();
      await untilState(answer, "stopped");
      const cost = await costUnder(answer);
      const charge = await settledCharge(stack, requestId);
      assertEquals(cost, asCost(charge.cost));
      assertEquals(charge.finish, "cancelled");
      const requests: { tokensSent: number; state: string }[] =
        await (await fetch(`${stack.demoUrl}/_demo/requests`)).json();
      const { tokensSent, state } = requests.at(-1)!;
      assertEquals(state, "cancelled");
      assert(tokensSent < 500, `${tokensSent} tokens were bought`);
      // Without the provider's count, what was received is estimated: a fifth around it.
      assert(
        charge.output_tokens <= tokensSent * 1.2 && charge.output_tokens >= tokensSent * 0.5,
        `${tokensSent} tokens were sent, ${charge.output_tokens} charged`,
      );
      const account = await accountOf(stack.sql, user);
      assertEquals(account, { balance: exact("10") - exact(charge.cost), reserved: 0n });
      await untilBalance(page, asBalance(await balanceOf(stack, user)));
      // And the chat goes on.
      await askToTheEnd(page, "And then?", { output_tokens: 5 });
    }),
);

for (
  const [what, script, told] of [
    ["an error in the console", "console.error('planted')", "planted"],
    ["a warning in the console", "console.warn('planted')", "planted"],
    ["an error that nothing catches", "void Promise.reject(new Error('planted'))", "planted"],
    [
      "a request to another host",
      "fetch('http://127.0.0.1:1/planted').catch(() => {})",
      ":1/planted",
    ],
  ] as const
) {
  browserTest(`these tests fail at ${what}`, async () => {
    const planted = () =>
      withPage(stack, { bypassCsp: true }, async (page) => {
        await visit(stack, page);
        // Told before the tab is closed: a task and a frame later.
        await page.evaluate(
          `(async () => { await (${script}); await new Promise((go) => setTimeout(go, 50)); })()`,
        );
      });
    await assertRejects(planted, Error, told);
  });
}
