/** For each line of the doctor one way to break a stack so that this line alone is ✗. */
import type { Fault } from "./breaking_proxy.ts";
import { DATABASE_BREAKS } from "./doctor_database_breaks.ts";
import type { Break } from "./doctor_harness.ts";

/** Answers the requests that match itself; the others pass. */
function instead(
  matches: (request: Request, path: string) => boolean,
  answer: () => Response,
): () => Fault {
  return () => (request, forward) =>
    matches(request, pathOf(request)) ? answer() : forward(request);
}

/** Changes the text of the answers to the requests that match. */
function changed(
  matches: (request: Request, path: string) => boolean,
  change: (text: string) => string,
): () => Fault {
  return () => async (request, forward) => {
    const isMeant = matches(request, pathOf(request));
    const response = await forward(request);
    if (!isMeant || response.body === null) return response;
    return new Response(change(await response.text()), response);
  };
}

function pathOf(request: Request): string {
  return new URL(request.url).pathname;
}

/** Whether a request comes with a user's token, which is the one credential with dots. */
function isOfUser(request: Request): boolean {
  return request.headers.get("authorization")?.includes(".") === true;
}

function isOfGuest(request: Request): boolean {
  return request.headers.get("authorization")?.includes("sb_publishable_") === true;
}

const CHAT = "/functions/v1/chat-proxy/v1/chat/completions";
const notFound = () =>
  Response.json({ code: "NOT_FOUND", message: "Requested function was not found" }, {
    status: 404,
  });

/** A function that gives or takes, called by a trigger that is not Farebox's. */
function rogue(amount: string, user: string): string {
  return `
    create function public.rogue() returns trigger language plpgsql security definer as $$
    begin
      perform billing.grant_credit(
        new.${user}, '${amount}', 'adjustment', 'rogue:' || new.${user}, null
      );
      return null;
    end $$;`;
}

const PROJECT_BREAKS: readonly Break[] = [
  {
    line: "reachable",
    what: "the project is down",
    fault: instead(() => true, () => new Response("down", { status: 503 })),
  },
  {
    line: "secret_key",
    what: "the secret key is another project's",
    keys: () => ({ secretKey: "sb_secret_of_another_project" }),
  },
  {
    line: "publishable_key",
    what: "the secret key was given as the publishable one",
    keys: ({ stack }) => ({ publishableKey: stack.details.secretKey }),
  },
];

const FUNCTION_BREAKS: readonly Break[] = [
  {
    line: "functions",
    what: "a function is not deployed",
    fault: instead((_, path) => path.startsWith("/functions/v1/balance"), notFound),
  },
  {
    line: "pricing_health",
    what: "pricing-health can't read its tables",
    fault: instead(
      (_, path) => path === "/functions/v1/pricing-health",
      () => Response.json({ status: "error", error: "They cannot be read." }, { status: 500 }),
    ),
  },
  {
    line: "hook_signature",
    what: "the hook believes anybody",
    fault: instead(
      (request, path) => path === "/functions/v1/init-balance" && request.method === "POST",
      () => Response.json({}),
    ),
  },
  {
    line: "cors",
    what: "no page may call",
    fault: () => async (request, forward) => {
      const response = await forward(request);
      for (const name of [...response.headers.keys()]) {
        if (name.startsWith("access-control-")) response.headers.delete(name);
      }
      return response;
    },
  },
  {
    line: "page",
    what: "the page is gone",
    fault: instead((_, path) => path === "/", notFound),
  },
];

const USER_BREAKS: readonly Break[] = [
  {
    line: "anon_refused",
    what: "the Data API lets a stranger refund",
    fault: instead(
      (request, path) => path === "/rest/v1/rpc/refund" && isOfGuest(request),
      () => Response.json({ state: "refunded" }),
    ),
  },
  {
    line: "authenticated_refused",
    what: "the Data API lets a user write a balance",
    fault: instead(
      (request, path) =>
        path === "/rest/v1/user_balances" && request.method === "PATCH" && isOfUser(request),
      () => new Response(null, { status: 204 }),
    ),
  },
  {
    line: "own_rows",
    what: "the Data API shows a user everybody's balance",
    fault: ({ stack }) => (request, forward) => {
      const isMeant = pathOf(request) === "/rest/v1/user_balances" && request.method === "GET";
      if (!isMeant || !isOfUser(request)) return forward(request);
      const { secretKey } = stack.details;
      return forward(
        new Request(request, {
          headers: { apikey: secretKey, authorization: `Bearer ${secretKey}` },
        }),
      );
    },
  },
  {
    line: "sign_up",
    what: "Auth is out of order",
    fault: instead(
      (_, path) => path === "/auth/v1/signup",
      () => Response.json({ msg: "Database error saving new user" }, { status: 500 }),
    ),
  },
  {
    line: "welcome",
    what: "somebody takes a part of the credit",
    sql: rogue("-3", "id"),
    authSql: `create trigger zz_rogue after insert on auth.users
      for each row execute function public.rogue()`,
    authUndo: "drop trigger zz_rogue on auth.users",
    undo: "drop function public.rogue()",
  },
  {
    line: "balance",
    what: "the balance that is shown is not the balance",
    fault: changed(
      (request, path) => path === "/functions/v1/balance" && isOfUser(request),
      (text) =>
        text.replace('"balance": 10', '"balance": 9.5').replace('"balance":10', '"balance":9.5'),
    ),
  },
];

const CHAT_BREAKS: readonly Break[] = [
  {
    line: "models_enabled",
    what: "no provider has a key",
    fault: instead(
      (request, path) => path === "/functions/v1/chat-proxy/v1/models" && isOfUser(request),
      () => Response.json({ object: "list", data: [] }),
    ),
  },
  {
    line: "chat",
    what: "the stream does not say what it cost",
    fault: changed((_, path) => path === CHAT, (text) => text.replace(/^: farebox .*$/m, ":")),
  },
  {
    line: "usage_recorded",
    what: "nothing is recorded",
    fault: instead(
      (request, path) =>
        path === "/rest/v1/usage_records" && request.method === "GET" && !isOfUser(request),
      () => Response.json([]),
    ),
  },
  {
    line: "deducted",
    what: "every charge brings a dollar back",
    sql: `${rogue("1", "user_id")}
      create trigger zz_rogue after insert on public.usage_records
        for each row when (new.user_id is not null) execute function public.rogue()`,
    undo: `drop trigger zz_rogue on public.usage_records; drop function public.rogue()`,
  },
  {
    line: "receipt",
    what: "the receipt's lines do not make its cost",
    fault: changed(
      (_, path) => path.startsWith("/functions/v1/balance/receipts/"),
      (text) => text.replace(/"tokens":\s*\d+,/g, "").replace(/"cost":\s*"0\.0/, '"cost":"0.1'),
    ),
  },
  {
    line: "guest",
    what: "guests are not counted",
    fault: instead(
      (request, path) => path === "/functions/v1/balance" && isOfGuest(request),
      () => Response.json({ exchanges: { limit: 3, left: 3 } }),
    ),
  },
  {
    line: "insufficient",
    what: "who has nothing is served all the same",
    fault: () => async (request, forward) => {
      const response = await forward(request);
      return response.status === 402 ? new Response("data: [DONE]\n\n") : response;
    },
  },
];

export const BREAKS: readonly Break[] = [
  ...PROJECT_BREAKS,
  ...DATABASE_BREAKS,
  ...FUNCTION_BREAKS,
  ...USER_BREAKS,
  ...CHAT_BREAKS,
];
