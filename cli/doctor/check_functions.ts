/** The four functions, what they refuse, and whom browsers let in. */
import { Webhook } from "standardwebhooks";
import { type Check, type Examination, failed, type Finding, ok, skipped } from "./finding.ts";
import { type Answer, field, inWords, type Project } from "./project.ts";

const BELOW = "/functions/v1";

/** Each function with a request that only it answers so: its status, and the code it says. */
const SIGNS_OF_LIFE: readonly { name: string; path: string; code: string | null }[] = [
  { name: "chat-proxy", path: "/chat-proxy/v1/models", code: "UNAUTHENTICATED" },
  { name: "balance", path: "/balance", code: "UNAUTHENTICATED" },
  // What it says is the next line's.
  { name: "pricing-health", path: "/pricing-health", code: null },
  { name: "init-balance", path: "/init-balance", code: "METHOD_NOT_ALLOWED" },
];

async function examineFunctions({ project }: Examination): Promise<Finding> {
  const bad: string[] = [];
  for (const { name, path, code } of SIGNS_OF_LIFE) {
    const answer = await project.ask("nobody", BELOW + path);
    const isAlive = code === null
      ? typeof field(answer, "status") === "string"
      : field(answer, "code") === code;
    if (!isAlive) bad.push(`${name} answers ${inWords(answer)}: ${whatToDo(name, answer)}`);
  }
  return bad.length === 0 ? ok(SIGNS_OF_LIFE.map(({ name }) => name).join(", ")) : failed(
    `${bad.length} of ${SIGNS_OF_LIFE.length} do not`,
    "`supabase functions deploy --use-api` deploys all four, with verify_jwt as config.toml " +
      "has it.",
    bad,
  );
}

function whatToDo(name: string, { status }: Answer): string {
  switch (status) {
    case 404:
      return `deploy it (\`supabase functions deploy ${name} --use-api\`)`;
    case 401:
      return "its verify_jwt must be false, as in supabase/config.toml: deploy it with that file";
    case 503:
    case 546:
      return "it does not start: its log says which secret is missing or malformed";
    default:
      return "see its log";
  }
}

async function examineHealth({ project }: Examination): Promise<Finding> {
  const answer = await project.ask("nobody", `${BELOW}/pricing-health`);
  return answer.status === 200 && answer.text.trim() === '{"status":"ok"}'
    ? ok(answer.text.trim())
    : failed(
      `it answers ${inWords(answer)}, where {"status":"ok"} is right`,
      "Its log says which table can't be read: Edge Functions > pricing-health > Logs in the " +
        "dashboard.",
    );
}

/** Signed as Auth signs; a kind that the function passes by, so that nothing is recorded. */
function webhook(secret: string | null): { body: string; headers: Record<string, string> } {
  const body = JSON.stringify({ metadata: { name: "farebox-doctor" }, user: {} });
  if (secret === null) return { body, headers: {} };
  const id = crypto.randomUUID();
  const now = new Date();
  const key = secret.split("|")[0]!.replace(/^v1,/, "");
  return {
    body,
    headers: {
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
      "webhook-signature": new Webhook(key).sign(id, now, body),
    },
  };
}

async function examineHook({ project, options }: Examination): Promise<Finding> {
  const ask = (secret: string | null) =>
    project.ask("nobody", `${BELOW}/init-balance`, { method: "POST", ...webhook(secret) });
  const random = `whsec_${btoa(crypto.randomUUID() + crypto.randomUUID())}`;
  const unsigned = await ask(null);
  const forged = await ask(random);
  for (const [answer, what] of [[unsigned, "an unsigned"], [forged, "a forged"]] as const) {
    if (answer.status !== 401) {
      return failed(
        `${what} call is not refused: ${inWords(answer)}`,
        "Deploy init-balance again, and see that nothing before it adds a key.",
      );
    }
  }
  if (options.hookSecret === null) {
    return ok("unsigned and forged calls are refused; a signed one needs --hook-secret");
  }
  const signed = await ask(options.hookSecret);
  return signed.status === 200
    ? ok("unsigned and forged calls are refused, a signed one is answered")
    : failed(
      `a call signed with the hook's secret is refused: ${inWords(signed)}`,
      "Set the same secret in both: Authentication > Hooks in the dashboard, and " +
        "`supabase secrets set BEFORE_USER_CREATED_HOOK_SECRET=…`.",
    );
}

/** No app is there: where it is let in, everybody is. */
const STRANGER = "https://farebox-doctor.example";

interface Preflight {
  /** Whether a page of the origin may call. */
  readonly isIn: boolean;
  /** Whether it may send its token with it. */
  readonly mayAuthorize: boolean;
  /** Whether the function answers preflights at all; it does to those whom it keeps out. */
  readonly isAnswered: boolean;
}

async function preflight(project: Project, path: string, origin: string): Promise<Preflight> {
  const { headers } = await project.ask("nobody", BELOW + path, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,apikey,content-type,x-chat-id",
    },
  });
  const to = headers.get("access-control-allow-origin");
  const names = headers.get("access-control-allow-headers")?.toLowerCase() ?? "";
  return {
    isIn: to === "*" || to === origin,
    mayAuthorize: names.includes("authorization"),
    isAnswered: headers.has("access-control-allow-methods"),
  };
}

async function examineCors({ project, known, options }: Examination): Promise<Finding> {
  const allowed: string[] | null = JSON.parse(known.facts?.settings.cors_allowed_origins ?? "null");
  const named = allowed?.filter((origin) => origin !== "*") ?? [];
  const ofPage = options.page === null ? [] : [new URL(options.page).origin];
  const wrong = new Set<string>();
  let isOpen = true;
  for (const path of ["/chat-proxy/v1/chat/completions", "/balance"]) {
    const stranger = await preflight(project, path, STRANGER);
    isOpen &&= stranger.isIn;
    if (!stranger.isAnswered) wrong.add(`${path} answers no preflight`);
    if (stranger.isIn && allowed !== null && !allowed.includes("*")) {
      wrong.add(`${path} lets any origin in, where cors_allowed_origins has ${named.join(", ")}`);
    }
    for (const origin of [...named, ...ofPage, ...(stranger.isIn ? [STRANGER] : [])]) {
      const { isIn, mayAuthorize } = await preflight(project, path, origin);
      if (!isIn) wrong.add(`${path} keeps ${origin} out`);
      else if (!mayAuthorize) wrong.add(`${path} does not let ${origin} send its token`);
      const answer = await project.ask("nobody", BELOW + path, { headers: { origin } });
      const isReadable = answer.headers.has("access-control-allow-origin");
      if (isIn && !isReadable) wrong.add(`${path} answers what ${origin} may not read`);
    }
  }
  if (wrong.size > 0) {
    return failed(
      "a page can't use the functions as it is set",
      "Set the origins: `farebox settings set cors_allowed_origins https://app.example.com`, and " +
        "see that no proxy takes the headers away.",
      [...wrong],
    );
  }
  if (allowed !== null) return ok(`for ${allowed.join(", ")}`);
  return ok(
    isOpen
      ? "any origin, as CORS_ALLOWED_ORIGINS says"
      : "not any origin, as CORS_ALLOWED_ORIGINS says",
  );
}

async function examinePage({ project, target, options }: Examination): Promise<Finding> {
  const address = options.page ?? (target.isLocal ? `${target.url}/` : null);
  if (address === null) {
    return skipped("no page was named", "Name yours with --page https://app.example.com.");
  }
  const page = await project.ask("nobody", address);
  if (page.status !== 200 || !/<html|<!doctype/i.test(page.text)) {
    return failed(
      `${address} answers ${inWords(page)}`,
      "Deploy the page, or correct its address.",
    );
  }
  const assets = [...page.text.matchAll(/<(?:script|link|img)\b[^>]*?\s(?:src|href)="([^"]+)"/gi)]
    .map((match) => new URL(match[1]!, address))
    .filter(({ origin }) => origin === new URL(address).origin)
    .map(({ href }) => href);
  const lost: string[] = [];
  for (const asset of new Set(assets)) {
    const answer = await project.ask("nobody", asset);
    if (answer.status !== 200) lost.push(`${asset} answers ${inWords(answer)}`);
  }
  return lost.length === 0
    ? ok(`${address} and its ${new Set(assets).size} assets`)
    : failed(`${lost.length} assets of ${address} are lost`, "Deploy the page again.", lost);
}

export const FUNCTION_CHECKS: readonly Check[] = [
  {
    id: "functions",
    title: "the four functions are deployed and answer",
    needs: ["reachable"],
    examine: examineFunctions,
  },
  {
    id: "pricing_health",
    title: "pricing-health is ok",
    needs: ["functions", "migrations"],
    after: ["tables", "service_role", "ledger_functions"],
    examine: examineHealth,
  },
  {
    id: "hook_signature",
    title: "the sign-up hook believes only who has its secret",
    needs: ["functions"],
    examine: examineHook,
  },
  { id: "cors", title: "browsers are let in as set", needs: ["functions"], examine: examineCors },
  {
    id: "page",
    title: "the page and its assets answer",
    needs: ["reachable"],
    examine: examinePage,
  },
];
