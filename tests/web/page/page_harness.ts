/** The chat page as a person uses it: everything is found by its role and its name. */
import { assertMatch } from "@std/assert";
import type { Locator, Page, Response } from "playwright-core";
import type { DemoScript } from "../../../local/demo_provider/script.ts";
import { type Charge, chargeOf } from "../../support/charges.ts";
import type { TestStack } from "../../support/stack.ts";
import { until } from "../../support/until.ts";

/** Somebody who signed up with the page's form. */
export interface PageUser {
  readonly id: string;
  readonly email: string;
  readonly password: string;
}

/** A question that was sent, and where its answer appears. */
export interface Asked {
  readonly answer: Locator;
  readonly status: number;
  readonly requestId: string;
}

export const button = (within: Page | Locator, name: string) =>
  within.getByRole("button", { name, exact: true });
export const composer = (page: Page) => page.getByRole("textbox", { name: "Message" });
export const modelPicker = (page: Page) => page.getByRole("combobox", { name: "Model" });
export const answers = (page: Page) => page.getByTestId("answer");
export const questions = (page: Page) => page.getByTestId("question");
export const dialog = (page: Page, name: string | RegExp) => page.getByRole("dialog", { name });
export const chatLinks = (page: Page) =>
  page.getByRole("navigation", { name: "Chats" }).getByRole("listitem").getByRole("link");

/** A problem that is shown, by its code. */
export const problem = (page: Page, code: string) =>
  page.locator(`[role="alert"][data-code="${code}"]`);

/** A question with orders for the demo provider. */
export const ordering = (question: string, script: DemoScript) =>
  `${question} [[demo: ${JSON.stringify(script)}]]`;

/** Opens the page and waits until it knows who is there. */
export async function visit(stack: TestStack, page: Page): Promise<void> {
  await page.goto(stack.url);
  await button(page, "Continue as guest").or(composer(page)).first().waitFor();
}

/** Signs somebody new up through the form, from whatever is shown. Ends with a composer to type in. */
export async function signUp(stack: TestStack, page: Page): Promise<PageUser> {
  await visit(stack, page);
  await button(page, "Sign up").first().click();
  return await fillSignUp(stack, page);
}

/** Fills the form that is open. */
export async function fillSignUp(stack: TestStack, page: Page): Promise<PageUser> {
  const account = { email: `${crypto.randomUUID()}@example.com`, password: crypto.randomUUID() };
  await fillAccount(page, "Create an account", "Create account", account);
  const [row] = await stack.sql`select id from auth.users where email = ${account.email}`;
  return { id: row?.id, ...account };
}

/** Signs somebody in who has an account. */
export async function signIn(stack: TestStack, page: Page, user: PageUser): Promise<void> {
  await visit(stack, page);
  await button(page, "Sign in").first().click();
  await fillAccount(page, "Sign in", "Sign in", user);
}

async function fillAccount(
  page: Page,
  title: string,
  submit: string,
  { email, password }: Pick<PageUser, "email" | "password">,
): Promise<void> {
  const form = page.getByRole("dialog").filter({
    has: page.getByRole("heading", { name: title, exact: true }),
  });
  await form.getByLabel("E-mail").fill(email);
  await form.getByLabel("Password", { exact: true }).fill(password);
  await button(form, submit).click();
  await form.waitFor({ state: "hidden" });
  await composer(page).waitFor();
}

/** Goes on as a guest, from the start screen. */
export async function continueAsGuest(stack: TestStack, page: Page): Promise<void> {
  await visit(stack, page);
  await button(page, "Continue as guest").click();
  await composer(page).waitFor();
}

/** A POST to the proxy, and no preflight. */
export const isChat = (response: Response) =>
  response.request().method() === "POST" && response.url().endsWith("/chat/completions");

/** Types the question, sends it, and waits until the answer begins or is refused. */
export async function ask(page: Page, question: string, script?: DemoScript): Promise<Asked> {
  await composer(page).fill(script === undefined ? question : ordering(question, script));
  return await sendTyped(page);
}

/** Sends what is typed. */
export async function sendTyped(page: Page): Promise<Asked> {
  const before = await answers(page).count();
  const response = page.waitForResponse(isChat);
  await button(page, "Send").click();
  const arrived = await response;
  return {
    answer: answers(page).nth(before),
    status: arrived.status(),
    requestId: arrived.headers()["x-request-id"] ?? "",
  };
}

/** Asks, and waits for the whole answer and its cost. */
export async function askToTheEnd(
  page: Page,
  question = "Hello",
  script: DemoScript = { output_tokens: 20 },
): Promise<Asked & { readonly cost: string }> {
  const asked = await ask(page, question, script);
  await untilState(asked.answer, "complete");
  return { ...asked, cost: await costUnder(asked.answer) };
}

/** Waits until an answer is in this state. */
export async function untilState(answer: Locator, state: string): Promise<void> {
  await until(
    `the answer to be ${state}`,
    async () => (await answer.getAttribute("data-state")) === state,
  );
}

/** The cost under an answer, `$0.00103`, once it is known. */
export async function costUnder(answer: Locator): Promise<string> {
  const line = answer.getByTestId("cost");
  return await until("the cost under the answer", async () => {
    const [text] = await line.allInnerTexts();
    return /\$\d+\.\d+/.exec(text ?? "")?.[0];
  });
}

/** The amount that the balance element shows, `$9.9989`. */
export async function balanceShown(page: Page): Promise<string> {
  const [text] = await page.locator('farebox-balance [part="amount"]').allInnerTexts();
  return /\$\d+\.\d+/.exec(text ?? "")?.[0] ?? "";
}

/** Waits until the balance element shows this amount. */
export async function untilBalance(page: Page, shown: string, timeoutMs?: number): Promise<void> {
  let last = "";
  await until(
    `the balance ${shown}`,
    async () => (last = await balanceShown(page)) === shown,
    timeoutMs,
  ).catch((error) => {
    throw new Error(`${error.message}: ${last} is shown`);
  });
}

/** How the balance of the database is to be shown: rounded down, $9.9989; not the page's own code. */
export function asBalance(decimal: string): string {
  const [whole = "0", fraction = ""] = decimal.split(".");
  const isUnderACent = BigInt(whole) === 0n && fraction.startsWith("00");
  const kept = fraction.slice(0, isUnderACent ? 6 : 4).replace(/0+$/, "").padEnd(2, "0");
  return `$${whole}.${kept}`;
}

/** How a cost of the database is to be shown: every digit of it, two decimals at least. */
export function asCost(decimal: string): string {
  const [whole = "0", fraction = ""] = decimal.split(".");
  return `$${whole}.${fraction.replace(/0+$/, "").padEnd(2, "0")}`;
}

/** The user's balance in the database, all its digits. */
export async function balanceOf(stack: TestStack, user: Pick<PageUser, "id">): Promise<string> {
  const [row] = await stack.sql`
    select balance::text from public.user_balances where user_id = ${user.id}`;
  return row?.["balance"];
}

/** The charge of a request, once the ledger has closed it. */
export async function settledCharge(stack: TestStack, requestId: string): Promise<Charge> {
  assertMatch(requestId, /^[0-9a-f-]{36}$/);
  await until(`request ${requestId} to be closed`, async () => {
    const [row] = await stack.sql`
      select state from billing.reservations where request_id = ${requestId}`;
    return row !== undefined && row["state"] !== "open";
  });
  return await chargeOf(stack.sql, requestId);
}

/** Deletes the chat and sees it go from the list. */
export async function deleteChat(page: Page, title: string): Promise<void> {
  await button(page, `Delete chat ${title}`).click();
  const sure = page.getByRole("dialog").getByRole("button", { name: /delete/i });
  if (await sure.count() > 0) await sure.click();
  await until("gone", async () => await chatLinks(page).filter({ hasText: title }).count() === 0);
}
