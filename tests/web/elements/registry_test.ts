/** For whoever embeds the elements: in whatever order client, elements and page come, they meet. */
import { assertEquals } from "@std/assert";
import { browserTest, withPage } from "../../support/browser.ts";
import { serveElements } from "./serve_elements.ts";

const served = await serveElements();
Deno.test.afterAll(() => served.close());

Deno.test("the elements can be imported, and asked to be defined, where there is no browser", async () => {
  const code = `
    const elements = await import("./web/elements/mod.ts");
    elements.defineFareboxElements();
    elements.provideFarebox(null);
    console.log(typeof globalThis.HTMLElement, typeof elements.FareboxBalance);
  `;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", "--config", "web/deno.json", code],
  }).output();
  assertEquals(new TextDecoder().decode(stderr), "");
  assertEquals(new TextDecoder().decode(stdout), "undefined function\n");
});

browserTest(
  "elements that are in the page before the client is provided wait for it",
  () =>
    withPage(served, {}, async (page) => {
      await page.goto(served.url);
      await page.evaluate(`web.defineFareboxElements(); add("farebox-balance", {}, null);`);
      await page.locator("farebox-balance[state=loading]").waitFor();
      await page.evaluate(`web.provideFarebox(fake); fake.tellUser("9.5");`);
      await page.locator("farebox-balance[state=normal]").getByText("$9.50").first().waitFor();
    }),
);

browserTest(
  "elements that are in the page before they are defined keep what was set on them",
  () =>
    withPage(served, {}, async (page) => {
      await page.goto(served.url);
      await page.evaluate(`
      const balance = add("farebox-balance", { critical: "5" });
      balance.warning = "20";
      const cost = add("farebox-chat-cost");
      cost.chatId = "of before";
      const receipt = add("farebox-receipt");
      receipt.requestId = "r1";
      web.defineFareboxElements();
      fake.tellUser("10");
    `);
      await page.locator("farebox-balance[state=warning][warning='20']").waitFor();
      assertEquals(await page.evaluate("fake.calls.map(({ name, args }) => [name, args[0]])"), [
        ["receipt", "r1"],
        ["chatCost", "of before"],
      ]);
    }),
);

browserTest(
  "defining twice, or over another's element of the same name, does no harm",
  () =>
    withPage(served, {}, async (page) => {
      await page.goto(served.url);
      const names = await page.evaluate(`
      class Other extends HTMLElement {}
      customElements.define("farebox-receipt", Other);
      web.defineFareboxElements();
      web.defineFareboxElements();
      [customElements.get("farebox-receipt") === Other,
        customElements.get("farebox-balance") === web.FareboxBalance];
    `);
      assertEquals(names, [true, true]);
    }),
);

browserTest(
  "an element's own client goes before the page's, and a new one of the page's is taken",
  () =>
    withPage(served, {}, async (page) => {
      await page.goto(served.url);
      await page.evaluate(`
      web.defineFareboxElements();
      const client = (balance) => ({ ...fake, onBalance(listen) {
        listen({ kind: "user", balance, currency: "USD", available: null, reserved: null });
        return () => {};
      } });
      globalThis.client = client;
      web.provideFarebox(client("1.11"));
      add("farebox-balance", { id: "of-page" }, null);
      add("farebox-balance", { id: "own" }, client("2.22"));
    `);
      const amount = (id: string) => page.locator(`#${id} [part=amount]`).textContent();
      assertEquals([await amount("of-page"), await amount("own")], ["$1.11", "$2.22"]);
      await page.evaluate(`web.provideFarebox(client("3.33"))`);
      assertEquals([await amount("of-page"), await amount("own")], ["$3.33", "$2.22"]);
      await page.evaluate(`document.querySelector("#own").farebox = null`);
      assertEquals(await amount("own"), "$3.33");
    }),
);

browserTest(
  "an element that leaves the page listens to nothing and is not remembered",
  () =>
    withPage(served, {}, async (page, context) => {
      await page.goto(served.url);
      await page.evaluate(`
      web.defineFareboxElements();
      web.provideFarebox(fake);
      globalThis.left = [];
      (() => {
        for (let n = 0; n < 20; n++) {
          for (const tag of ["farebox-balance", "farebox-chat-cost", "farebox-receipt"]) {
            const element = add(tag, { "chat-id": "c", "request-id": "r" }, null);
            element.remove();
            left.push(new WeakRef(element));
          }
        }
      })();
      fake.calls.length = 0;
    `);
      assertEquals(await page.evaluate("fake.listeners()"), { balances: 0, costs: 0 });
      // Timers of some seconds were cleared too: nothing holds an element.
      const session = await context.newCDPSession(page);
      await session.send("HeapProfiler.collectGarbage");
      assertEquals(
        await page.evaluate("left.filter((one) => one.deref() !== undefined).length"),
        0,
      );
    }),
);

browserTest(
  "an element that is moved keeps what it shows, and listens once",
  () =>
    withPage(served, {}, async (page) => {
      await page.goto(served.url);
      await page.evaluate(`
      web.defineFareboxElements();
      web.provideFarebox(fake);
      add("farebox-balance", {}, null);
      add("farebox-chat-cost", { "chat-id": "c" }, null);
      fake.tellUser("7.77");
      const box = document.createElement("section");
      document.body.append(box);
      box.append(...document.querySelector("main").children);
    `);
      assertEquals(
        await page.locator("section farebox-balance [part=amount]").textContent(),
        "$7.77",
      );
      assertEquals(await page.evaluate("fake.listeners()"), { balances: 2, costs: 1 });
      await page.evaluate(`fake.tellUser("7.76")`);
      assertEquals(
        await page.locator("section farebox-balance [part=amount]").textContent(),
        "$7.76",
      );
    }),
);
