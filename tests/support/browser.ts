/**
 * Tests in a real browser: Chromium, driven by Playwright.
 *
 *     const stack = await startTestStack();
 *     Deno.test.afterAll(() => stack.stop());
 *     browserTest("the start screen names the page", () =>
 *       withPage(stack, {}, async (page) => {
 *         await page.goto(stack.url);
 *         await page.getByRole("heading", { name: "Farebox" }).waitFor();
 *       }));
 *
 * A page that complains fails its test: see `PageOptions` for what may be expected of it. Code for
 * the page is given as text (`page.evaluate<number>("document.images.length")`): here are no types of
 * the DOM's.
 */
import { join } from "node:path";
import { runInThisContext } from "node:vm";
import {
  type Browser,
  type BrowserContext,
  chromium as engine,
  devices,
  type Page,
} from "playwright-core";
import { findChromium } from "./chromium.ts";
import { watchPages } from "./page_complaints.ts";

export interface PageOptions {
  readonly colorScheme?: "light" | "dark";
  /** A telephone's screen, and fingers. */
  readonly phone?: boolean;
  readonly reducedMotion?: boolean;
  /** Lets the test bring scripts into the page, an accessibility checker say. */
  readonly bypassCsp?: boolean;
  /** Statuses above 399 of the stack's functions, APIs and files: Chromium logs each as an error. */
  readonly expectsStatus?: readonly number[];
  /** Other errors and warnings of the console, and errors that the page does not catch. */
  readonly expectsConsoleErrors?: readonly RegExp[];
  /** Origins besides the stack's that the page may ask. */
  readonly alsoAsks?: readonly string[];
}

/** How long Playwright waits for what a test awaits: two cores run a stack and a browser. */
const WAIT_MS = 30_000;

/** What the tests run on, or why there is nothing. Found once per test file. */
export const chromium = await findChromium();

let launched: Promise<Browser> | undefined;

/** The test file's browser, started at the first call and closed after its last test. */
function browser(): Promise<Browser> {
  if ("missing" in chromium) throw new Error(chromium.missing);
  return launched ??= engine.launch({
    executablePath: chromium.path,
    env: { ...Deno.env.toObject(), ...chromium.env },
    // Containers often allow no sandbox; and their shared memory is small.
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
}

Deno.test.afterAll(async () => {
  await (await launched)?.close();
});

/** A test that needs a browser; where there is none it is ignored, and its name says why. */
export function browserTest(name: string, test: () => void | Promise<void>): void {
  const missing = "missing" in chromium ? ` [no Chromium: ${chromium.missing}]` : "";
  registerInTestFile({
    name: name + missing,
    ignore: missing !== "",
    // The browser outlives the test that starts it.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: test,
  });
}

/**
 * `Deno.test`, but as if the test file had called it: Deno names a test's file, in its report too, by
 * the script that the call stands in.
 */
const registerInTestFile: (definition: Deno.TestDefinition) => void = runInThisContext(
  "(definition) => Deno.test(definition)",
  { filename: Deno.mainModule },
);

/**
 * Gives `test` a page in a context of its own: no storage, no session. Call it within itself for
 * another device; `context.newPage()` is another tab.
 * @param stack whose page it is, or any server: the one that the page may ask.
 * @throws Error when the page logged an error or a warning, had an error that nothing caught, or
 *   asked another host.
 */
export async function withPage(
  stack: { readonly url: string },
  options: PageOptions,
  test: (page: Page, context: BrowserContext) => Promise<void>,
): Promise<void> {
  const context = await (await browser()).newContext({
    ...(options.phone ? devices["Pixel 7"] : { viewport: { width: 1280, height: 800 } }),
    colorScheme: options.colorScheme ?? "light",
    reducedMotion: options.reducedMotion ? "reduce" : "no-preference",
    bypassCSP: options.bypassCsp ?? false,
    locale: "en-US",
  });
  context.setDefaultTimeout(WAIT_MS);
  const complaints = watchPages(context, stack.url, options);
  try {
    const page = await context.newPage();
    await test(page, context);
  } catch (error) {
    const picture = await photograph(context);
    throw new Error(told(error, complaints(), picture), { cause: error });
  } finally {
    await context.close();
  }
  const found = complaints();
  if (found.length > 0) throw new Error(`The page complains:\n  ${found.join("\n  ")}`);
}

function told(error: unknown, complaints: readonly string[], picture: string | null): string {
  return [
    error instanceof Error ? error.message : String(error),
    ...(complaints.length > 0 ? [`The page complains:\n  ${complaints.join("\n  ")}`] : []),
    ...(picture === null ? [] : [`What it showed: ${picture}`]),
  ].join("\n");
}

/** What the latest page shows, as a file that stays for whoever looks into the failure. */
async function photograph(context: BrowserContext): Promise<string | null> {
  try {
    const path = join(await Deno.makeTempDir({ prefix: "farebox-page-" }), "page.png");
    await context.pages().at(-1)!.screenshot({ path, timeout: 5_000 });
    return path;
  } catch {
    return null;
  }
}
