/** A page that cannot know its project, because its settings.json is missing or wrong. */
import { assertMatch } from "@std/assert";
import { browserTest, withPage } from "../../support/browser.ts";
import type { TestStack } from "../../support/stack.ts";
import { button } from "./page_harness.ts";

/** Tests on this stack, which the caller stops. */
export function settingsTests(stack: TestStack): void {
  const wrong: [what: string, body: string, says: RegExp][] = [
    ["no JSON", "<!doctype html>", /JSON/],
    ["an empty object", "{}", /url/],
    ["no key", JSON.stringify({ url: stack.url }), /publishableKey/],
    ["an address that is none", `{"url":"localhost","publishableKey":"k"}`, /url/],
    ["a list", "[]", /JSON object/],
  ];
  browserTest(
    "a settings.json that is missing or wrong is said plainly, with what to do, and tried again",
    () =>
      withPage(stack, {
        expectsStatus: [404],
        expectsConsoleErrors: [/net::ERR_FAILED/],
      }, async (page) => {
        const answer = (status: number, body: string) =>
          page.route("**/settings.json", (route) => route.fulfill({ status, body }));
        await answer(404, "Not found");
        await page.goto(stack.url);
        assertMatch(await page.getByRole("alert").innerText(), /settings\.json/);
        for (const [what, body, says] of wrong) {
          await answer(200, body);
          await button(page, "Load again").click();
          await page.getByRole("alert").filter({ hasText: says }).waitFor().catch((error) => {
            throw new Error(`${what}: ${error.message}`);
          });
        }
        await page.route("**/settings.json", (route) => route.abort());
        await button(page, "Load again").click();
        await page.getByRole("alert").filter({ hasText: /connection/i }).waitFor();
        await page.unrouteAll();
        await button(page, "Load again").click();
        await button(page, "Continue as guest").waitFor();
      }),
  );
}
