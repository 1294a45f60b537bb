/**
 * A page with the elements and nothing else, under a strict Content Security Policy, for tests. What
 * is not the page's goes to the stack, if there is one: so both have one origin.
 *
 * In the page, `globalThis.web` has what the bundle exports; `fake` is a client whose every answer the
 * test gives; `add` puts an element into the page; `told` has the elements' events.
 */
import { fileURLToPath } from "node:url";

export interface ElementsPage {
  readonly url: string;
  close(): Promise<void>;
}

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
  "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const ENTRY = `
import * as elements from "${ROOT}/web/elements/mod.ts";
import { createFarebox, FareboxError } from "${ROOT}/web/client/mod.ts";
import { createClient } from "@supabase/supabase-js";
globalThis.web = { ...elements, createFarebox, createClient, FareboxError };
globalThis.fake = makeFake();
globalThis.refusal = (code) => new FareboxError(code, { code, status: 400 });

/** Puts a new element into the page; \`fake\` is what it shows. */
globalThis.add = (tag, attributes = {}, farebox = fake) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (farebox !== null) element.farebox = farebox;
  document.querySelector("main").append(element);
  return element;
};
globalThis.told = [];
for (const name of ["farebox-add-credits", "farebox-sign-up", "farebox-receipt"]) {
  addEventListener(name, (event) => told.push([name, event.detail]));
}

/** Each call waits for the test: \`fake.calls\` has them, with resolve and reject. */
function makeFake() {
  const balances = new Set();
  const costs = new Set();
  const owners = new Set();
  const calls = [];
  const call = (name) => (...args) =>
    new Promise((resolve, reject) => calls.push({ name, args, resolve, reject }));
  const listen = (listeners) => (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  return {
    calls,
    listeners: () => ({ balances: balances.size, costs: costs.size }),
    tellBalance: (balance) => balances.forEach((listener) => listener(balance)),
    tellUser: (balance, more) => fake.tellBalance({
      kind: "user", balance, currency: "USD", available: balance, reserved: "0", ...more,
    }),
    tellGuest: (left, limit = 3, endsAt = null) => fake.tellBalance({
      kind: "guest", exchanges: { left, limit, window_ends_at: endsAt },
    }),
    tellCost: (cost) => costs.forEach((listener) => listener(cost)),
    onBalance: listen(balances),
    onCost: listen(costs),
    tellOwner: (owner) => owners.forEach((listener) => listener(owner)),
    onOwner: listen(owners),
    refreshBalance: call("refreshBalance"),
    chatCost: call("chatCost"),
    receipt: call("receipt"),
  };
}
`;

const STYLE = `
:root { color-scheme: light dark; background: light-dark(#f6f7f9, #0e1014); }
:root { color: light-dark(#181b22, #edeff3); font-family: system-ui; }
main { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1.5rem; }
main { max-width: 34rem; padding: 1.5rem; }
`;

const PAGE = `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Elements</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/page.css">
<script type="module" src="/page.js"></script></head><body><main></main></body></html>`;

/** Bundles the elements as they are and serves them. @param stack what else is asked for. */
export async function serveElements(stack?: { readonly url: string }): Promise<ElementsPage> {
  const script = await bundled();
  const files: Readonly<Record<string, readonly [string, string]>> = {
    "/": ["text/html", PAGE],
    "/page.js": ["text/javascript", script],
    "/page.css": ["text/css", STYLE],
  };
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const { pathname, search } = new URL(request.url);
    const file = files[pathname];
    if (file !== undefined) {
      const headers = { "content-type": file[0], "content-security-policy": CSP };
      return new Response(file[1], { headers });
    }
    if (stack === undefined) return new Response(null, { status: 404 });
    return fetch(new Request(stack.url + pathname + search, request));
  });
  return { url: `http://127.0.0.1:${server.addr.port}`, close: () => server.shutdown() };
}

async function bundled(): Promise<string> {
  const directory = await Deno.makeTempDir({ prefix: "farebox-elements-" });
  try {
    const entry = `${directory}/page.js`;
    await Deno.writeTextFile(entry, ENTRY);
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["bundle", "--quiet", "--config", "web/deno.json", "--platform", "browser", entry],
      cwd: ROOT,
    }).output();
    if (!success) throw new Error(`Cannot bundle: ${new TextDecoder().decode(stderr)}`);
    return new TextDecoder().decode(stdout);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
