/**
 * `deno run -A scripts/screenshots.ts [--all] [FOLDER]`: plays the page through its states on a stack
 * of its own, and keeps a picture of each as `<state>-<theme>-<device>.png` in docs/screenshots, or
 * in FOLDER. Without `--all` only those that KEPT names.
 */
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { type Browser, chromium as engine, type Page, type Route } from "playwright-core";
import { findChromium } from "../tests/support/chromium.ts";
import { setBalance } from "../tests/support/charges.ts";
import { startTestStack, type TestStack, type TestUser } from "../tests/support/stack.ts";
import { until } from "../tests/support/until.ts";
import {
  EARLIER_CHATS,
  type Exchange,
  GUEST_EXCHANGES,
  INDEX_CHAT,
  LONG_EXCHANGE,
  STORY_EXCHANGE,
} from "./screenshot_answers.ts";

const DEVICES = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
} as const;
type Device = keyof typeof DEVICES;
const THEMES = ["light", "dark"] as const;

/** Each state in both themes or on both devices at least once, and no more than one likes to keep. */
const KEPT: Readonly<Record<string, readonly string[]>> = {
  start: ["light-desktop", "dark-phone"],
  "sign-up": ["light-desktop", "dark-phone"],
  "empty-chat": ["light-desktop", "dark-desktop"],
  chat: ["light-desktop", "dark-desktop", "light-phone", "dark-phone"],
  streaming: ["light-desktop"],
  stopped: ["dark-desktop"],
  receipt: ["light-desktop", "dark-phone"],
  usage: ["light-desktop", "dark-desktop", "light-phone"],
  "add-credits": ["light-desktop"],
  cut: ["dark-desktop", "light-phone"],
  refused: ["light-desktop", "dark-phone"],
  "guest-limit": ["light-desktop", "dark-phone"],
  menu: ["light-phone", "dark-phone"],
};

type Shoot = (state: string) => Promise<void>;

async function main(args: string[]): Promise<void> {
  const found = await findChromium();
  if ("missing" in found) {
    throw new Error(`Cannot take pictures without Chromium: ${found.missing}`);
  }
  const folder = args.find((arg) => arg !== "--all") ??
    fileURLToPath(new URL("../docs/screenshots", import.meta.url));
  await Deno.mkdir(folder, { recursive: true });
  const stack = await startTestStack();
  const browser = await engine.launch({
    executablePath: found.path,
    env: { ...Deno.env.toObject(), ...found.env },
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
  try {
    for (const device of ["desktop", "phone"] as const) {
      const shootOf = (page: Page): Shoot => (state) =>
        keep(page, state, device, folder, args.includes("--all"));
      await inPage(browser, device, (page) => playUser(stack, page, device, shootOf(page)));
      await stack.sql`delete from billing.guest_exchanges`;
      await inPage(browser, device, (page) => playGuest(stack, page, shootOf(page)));
    }
  } finally {
    await browser.close();
    await stack.stop();
  }
}

async function inPage(browser: Browser, device: Device, play: (page: Page) => Promise<void>) {
  const context = await browser.newContext({ ...DEVICES[device], locale: "en-US" });
  context.setDefaultTimeout(15_000);
  await context.route("**/settings.json", withoutFolder);
  try {
    await play(await context.newPage());
  } finally {
    await context.close();
  }
}

/** "Add credits" names the stack's folder where it is another than usual; a temporary one is. */
async function withoutFolder(route: Route): Promise<void> {
  const response = await route.fetch();
  await route.fulfill({ response, body: (await response.text()).replace(/ --data [^\s"\\]+/, "") });
}

/** A picture in each theme that is kept; the page follows the system's theme while it is open. */
async function keep(page: Page, state: string, device: Device, folder: string, all: boolean) {
  for (const theme of THEMES) {
    const name = `${theme}-${device}`;
    if (!all && !KEPT[state]?.includes(name)) continue;
    await page.emulateMedia({ colorScheme: theme });
    const path = join(folder, `${state}-${name}.png`);
    const isMoving = state === "streaming";
    await Deno.writeFile(path, isMoving ? await page.screenshot() : await still(page));
    console.log(path);
  }
  await page.emulateMedia({ colorScheme: "light" });
}

/** The picture once two in a row are the same: charts and dialogs have come to rest. */
async function still(page: Page): Promise<Uint8Array> {
  let last: Uint8Array = new Uint8Array();
  return await until("the page to stand still", async () => {
    const next = await page.screenshot({ animations: "disabled" });
    const isSame = next.length === last.length && next.every((byte, i) => byte === last[i]);
    last = next;
    return isSame && next;
  });
}

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const composer = (page: Page) => page.getByRole("textbox", { name: "Message" });
const answer = (page: Page, state: string) =>
  page.locator(`[data-testid="answer"][data-state="${state}"]`).last();

/** Asks plainly; the order for the demo provider is put behind the question on its way. */
async function ask(page: Page, { question, order }: Exchange): Promise<void> {
  const isChat = "**/chat/completions";
  await page.route(isChat, (route) => {
    const body: { messages: { content: string }[] } = route.request().postDataJSON();
    const last = body.messages.at(-1);
    if (last !== undefined) last.content += ` [[demo: ${JSON.stringify(order)}]]`;
    return route.continue({ postData: JSON.stringify(body) });
  }, { times: 1 });
  await composer(page).fill(question);
  await button(page, "Send").click();
}

async function askToTheEnd(page: Page, exchange: Exchange): Promise<void> {
  const complete = page.locator('[data-testid="answer"][data-state="complete"]');
  const before = await complete.count();
  await ask(page, exchange);
  await complete.nth(before).getByTestId("cost").waitFor();
}

/** What is in a drawer on a phone. */
async function inMenu(page: Page, device: Device, act: () => Promise<void>): Promise<void> {
  if (device === "phone") await button(page, "Menu").click();
  await act();
}

async function playUser(stack: TestStack, page: Page, device: Device, shoot: Shoot) {
  await page.goto(stack.url);
  await button(page, "Sign up").first().waitFor();
  await shoot("start");
  await button(page, "Sign up").first().click();
  const email = device === "desktop" ? "ann@example.com" : "ann@example.org";
  const form = page.getByRole("dialog");
  await form.getByLabel("E-mail").fill(email);
  await form.getByLabel("Password").fill("correct horse battery");
  await shoot("sign-up");
  await form.getByRole("button", { name: "Create account", exact: true }).click();
  await composer(page).waitFor();
  const [row] = await stack.sql<{ id: string }[]>`select id from auth.users where email = ${email}`;
  const user: TestUser = { id: row!.id, email, token: "" };

  for (const exchange of EARLIER_CHATS) {
    await page.getByRole("combobox", { name: "Model" }).selectOption(exchange.model);
    await askToTheEnd(page, exchange);
    await inMenu(page, device, () => button(page, "New chat").click());
  }
  await backdate(stack, user);
  await page.getByRole("combobox", { name: "Model" }).selectOption("openai:gpt-4o");
  await composer(page).fill(INDEX_CHAT[0]!.question);
  await page.getByTestId("estimate").getByText("≈").waitFor();
  await shoot("empty-chat");
  for (const exchange of INDEX_CHAT) await askToTheEnd(page, exchange);
  await shoot("chat");
  if (device === "phone") {
    await button(page, "Menu").click();
    await page.locator("farebox-balance").first().waitFor();
    await shoot("menu");
    await page.keyboard.press("Escape");
  }
  await button(page, "Why this price?").first().click();
  await page.getByRole("dialog").getByRole("table").waitFor();
  await shoot("receipt");
  await page.keyboard.press("Escape");

  await inMenu(page, device, () => button(page, "New chat").click());
  await ask(page, STORY_EXCHANGE);
  await until("text", async () => (await answer(page, "streaming").innerText()).length > 500);
  await shoot("streaming");
  await button(page, "Stop").click();
  await answer(page, "stopped").getByTestId("cost").waitFor();
  await shoot("stopped");

  await inMenu(page, device, () => page.getByRole("link", { name: "Usage" }).click());
  await page.locator("farebox-usage").getByRole("table").last().waitFor();
  await shoot("usage");
  await page.goBack();

  await setBalance(stack, user, "0.0213");
  await ask(page, LONG_EXCHANGE);
  await answer(page, "cut").getByTestId("cost").waitFor();
  await shoot("cut");
  await button(page, "Add credits").last().click();
  await page.getByRole("dialog").waitFor();
  await shoot("add-credits");
  await page.keyboard.press("Escape");
  await setBalance(stack, user, "0.0021");
  await ask(page, { question: "And how does it end?", order: {} });
  await page.locator('[role="alert"][data-code="INSUFFICIENT_BALANCE"]').last().waitFor();
  await shoot("refused");
}

async function playGuest(stack: TestStack, page: Page, shoot: Shoot): Promise<void> {
  await page.goto(stack.url);
  await button(page, "Continue as guest").click();
  for (const exchange of GUEST_EXCHANGES.slice(0, 3)) await askToTheEnd(page, exchange);
  await ask(page, GUEST_EXCHANGES[3]!);
  await page.locator('[role="alert"][data-code="FREE_LIMIT_REACHED"]').waitFor();
  await shoot("guest-limit");
}

/** Spreads what was charged so far over two weeks: a stack that has just begun has only today. */
async function backdate(stack: TestStack, user: TestUser): Promise<void> {
  await stack.sql.begin(async (sql) => {
    await sql`alter table public.usage_records disable trigger usage_records_are_immutable`;
    await sql`
      update public.usage_records as charge
      set created_at = charge.created_at - (earlier.place * interval '3 days')
      from (
        select request_id, row_number() over (order by created_at desc) as place
        from public.usage_records where user_id = ${user.id}
      ) as earlier
      where earlier.request_id = charge.request_id`;
    await sql`alter table public.usage_records enable trigger usage_records_are_immutable`;
  });
}

await main(Deno.args);
