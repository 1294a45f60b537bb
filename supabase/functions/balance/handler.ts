/**
 * What a user may know of their money: balance, usage, receipts, transactions, estimates. Reads only.
 */
import { lookUp } from "../../../shared/credit/find_price.ts";
import type { Ledger } from "../../../shared/credit/ledger.ts";
import type { PriceCache } from "../../../shared/credit/price_cache.ts";
import { refusalFromOutage } from "../../../shared/credit/refusals.ts";
import {
  addRoute,
  answerJson,
  type AppContext,
  createApp,
  refuse,
  type Route,
} from "../../../shared/edge/app.ts";
import type { ReadOrigins } from "../../../shared/edge/cors.ts";
import {
  addGuestHeaders,
  type Caller,
  identify,
  type IdentifyDeps,
} from "../../../shared/edge/identify.ts";
import { readJson } from "../../../shared/edge/read_body.ts";
import { isRefusal, type Refusal } from "../../../shared/edge/refusal.ts";
import { isUuid } from "../../../shared/edge/uuid.ts";
import { parseUsd, rawJsonNumber } from "../../../shared/pricing/money.ts";
import { estimate } from "./estimate.ts";
import { isPrintable, PageQuery, readQuery, SummaryQuery, UsageQuery } from "./query.ts";
import type { PromptReaders } from "./read_prompt.ts";

export type BalanceDeps = {
  ledger: Ledger;
  prices: PriceCache;
  identify: IdentifyDeps;
  prompts: PromptReaders;
  freeGuestExchanges: number;
  maxBodyBytes: number;
  readOrigins: ReadOrigins;
};

const CHAT_ID_CHARS_MAX = 128;

/** Builds the function: from requests to responses. */
export function createHandler(
  deps: BalanceDeps,
): (request: Request) => Promise<Response> {
  const { ledger } = deps;
  const app = createApp({
    slug: "balance",
    readOrigins: deps.readOrigins,
    refusalFromError: refusalFromOutage,
  });

  addRoute(app, "/", {
    GET: withCaller(async (c, caller) => {
      if (caller.kind === "guest") return await guestBalance(c, caller);
      const userId = accountOf(caller);
      if (isRefusal(userId)) return refuse(c, userId);
      const account = await ledger.accountBalance(userId);
      if (isRefusal(account)) return refuse(c, account);
      const { balance, currency, available, reserved } = account;
      return answerJson({
        balance: exact(balance),
        currency,
        available,
        reserved,
      });
    }),
  });
  addRoute(app, "/usage", {
    GET: withAccount(async (c, userId) => {
      const query = readQuery(c.req.url, UsageQuery);
      if (isRefusal(query)) return query;
      const { from, to, model, chat_id: chatId, limit, before } = query;
      return await ledger.usageList({
        userId,
        from,
        to,
        model,
        chatId,
        limit,
        before,
      });
    }),
  });
  addRoute(app, "/usage/summary", {
    GET: withAccount(async (c, userId) => {
      const query = readQuery(c.req.url, SummaryQuery);
      return isRefusal(query) ? query : await ledger.usageSummary({ userId, ...query });
    }),
  });
  addRoute(app, "/usage/chats/:chatId", {
    GET: withAccount(async (c, userId) => {
      const chatId = c.req.param("chatId") ?? "";
      if (chatId.length > CHAT_ID_CHARS_MAX || !isPrintable(chatId)) {
        return {
          code: "INVALID_REQUEST",
          message:
            `The chat's id must have at most ${CHAT_ID_CHARS_MAX} characters, none of them ` +
            "a control character.",
          param: "chatId",
        };
      }
      return await ledger.chatCost({ userId, chatId });
    }),
  });
  addRoute(app, "/transactions", {
    GET: withAccount(async (c, userId) => {
      const query = readQuery(c.req.url, PageQuery);
      return isRefusal(query) ? query : await ledger.transactionsList({ userId, ...query });
    }),
  });
  addRoute(app, "/receipts/:requestId", { GET: withCaller(receipt) });
  addRoute(app, "/estimate", { POST: withCaller(estimateRequest) });
  return async (request) => await app.fetch(request);

  async function guestBalance(
    c: AppContext,
    caller: Caller & { kind: "guest" },
  ): Promise<Response> {
    const status = await ledger.guestStatus({
      guestTokenId: caller.guestTokenId,
      guestAddressHash: caller.addressHash,
      guestLimit: deps.freeGuestExchanges,
    });
    if (isRefusal(status)) return refuse(c, status);
    return answerJson({
      balance: 0,
      currency: "USD",
      available: "0",
      reserved: "0",
      isGuest: true,
      exchanges: status,
    });
  }

  async function receipt(c: AppContext, caller: Caller): Promise<Response> {
    const requestId = c.req.param("requestId") ?? "";
    if (!isUuid(requestId)) {
      return refuse(c, {
        code: "INVALID_REQUEST",
        message: "A receipt is found by its request id, the UUID in x-request-id.",
        param: "requestId",
      });
    }
    // An operator who names no user may see anyone's.
    const anyone = caller.kind === "operator" && caller.onBehalfOf === null;
    const userId = anyone ? null : accountOf(caller);
    if (isRefusal(userId)) return refuse(c, userId);
    const found = await ledger.receipt({
      userId,
      requestId: requestId.toLowerCase(),
    });
    if (isRefusal(found)) return refuse(c, found);
    if (found === null) {
      return refuse(c, {
        code: "REQUEST_NOT_FOUND",
        message:
          `No charge was made for request ${requestId}. What failed or is still running has none.`,
      });
    }
    return answerJson(found);
  }

  async function estimateRequest(
    c: AppContext,
    caller: Caller,
  ): Promise<Response> {
    const body = await readJson(c.req.raw, deps.maxBodyBytes);
    if ("code" in body) return refuse(c, body);
    const estimated = await lookUp(
      deps.prices,
      (hint) => estimate(body.json, hint, deps.prompts),
    );
    if ("code" in estimated) return refuse(c, estimated);
    const userId = accountOf(caller);
    if (isRefusal(userId)) {
      return answerJson({
        ...estimated,
        available: null,
        affordable_answers: null,
      });
    }
    const account = await ledger.accountBalance(userId);
    if (isRefusal(account)) return refuse(c, account);
    const typical = parseUsd(estimated.cost_typical);
    return answerJson({
      ...estimated,
      available: account.available,
      affordable_answers: typical === 0n ? null : Number(parseUsd(account.available) / typical),
    });
  }

  /** A route for whoever can be identified; guests get their token back with every answer. */
  function withCaller(
    route: (c: AppContext, caller: Caller) => Promise<Response>,
  ): Route {
    return async (c) => {
      const caller = await identify(c.req.raw, deps.identify);
      if (isRefusal(caller)) return refuse(c, caller);
      const response = await route(c, caller);
      addGuestHeaders(response, caller, c.req.raw);
      return response;
    };
  }

  /** A route that reports on one account. */
  function withAccount(
    report: (c: AppContext, userId: string) => Promise<object | Refusal>,
  ): Route {
    return withCaller(async (c, caller) => {
      const userId = accountOf(caller);
      if (isRefusal(userId)) return refuse(c, userId);
      const result = await report(c, userId);
      return isRefusal(result) ? refuse(c, result) : answerJson(result);
    });
  }
}

/** Whose account a caller means. */
function accountOf(caller: Caller): string | Refusal {
  switch (caller.kind) {
    case "user":
      return caller.userId;
    case "operator":
      return caller.onBehalfOf ?? {
        code: "INVALID_REQUEST",
        message: "A secret key acts for a user: name them in the header `x-user-id`.",
        param: "x-user-id",
      };
    case "guest":
      return {
        code: "FORBIDDEN",
        message: "A guest has no account. Sign in to see usage, receipts and transactions.",
      };
  }
}

function exact(amount: string): unknown {
  return rawJsonNumber(parseUsd(amount));
}
