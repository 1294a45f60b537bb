/**
 * chat-proxy: the path of a request, as in DESIGN §2. This file owns every branch; the steps compute
 * and return.
 *
 *     request → identify → read → reserve → forward → relay → settle
 */
import { findPrice } from "../../../shared/credit/find_price.ts";
import { refusalFromOutage } from "../../../shared/credit/refusals.ts";
import {
  addRoute,
  answerJson,
  type AppContext,
  createApp,
  refuse,
} from "../../../shared/edge/app.ts";
import { addGuestHeaders, identify } from "../../../shared/edge/identify.ts";
import { readBody } from "../../../shared/edge/read_body.ts";
import { isRefusal } from "../../../shared/edge/refusal.ts";
import type { Dialect } from "../../../shared/llm/dialect.ts";
import { modelName } from "../../../shared/pricing/price.ts";
import { answer } from "./answer.ts";
import type { ChatProxyDeps } from "./deps.ts";
import { noteMissingPrice } from "./incidents.ts";
import { modelEntry, modelList } from "./models.ts";
import { readChatCall } from "./read_request.ts";
import { payerOf, reserve } from "./reserve.ts";
import { findRoute } from "./route.ts";
import type { SettlementContext } from "./settlement.ts";

/** Builds the function: from requests to responses. */
export function createHandler(
  deps: ChatProxyDeps,
): (request: Request) => Promise<Response> {
  const app = createChatApp(deps);
  return async (request) => await app.fetch(request);
}

/** The function's routes, of which every POST is a chat. */
export function createChatApp(deps: ChatProxyDeps) {
  const app = createApp({
    slug: "chat-proxy",
    corsAllowedOrigins: deps.env.corsAllowedOrigins,
    refusalFromError: refusalFromOutage,
  });
  addRoute(app, "/", { POST: (c) => chat(c, deps.openaiChat, deps) });
  addRoute(app, "/v1/chat/completions", {
    POST: (c) => chat(c, deps.openaiChat, deps),
  });
  addRoute(app, "/v1/models", { GET: (c) => models(c, deps) });
  addRoute(app, "/v1/models/:model{.+}", { GET: (c) => models(c, deps) });
  return app;
}

async function models(c: AppContext, deps: ChatProxyDeps): Promise<Response> {
  const caller = await identify(c.req.raw, deps.identify);
  if (isRefusal(caller)) return refuse(c, caller);
  const hint = await deps.prices.read();
  const isServed = (id: string) => !isRefusal(findRoute(id, deps.openaiChat.name, deps.env));
  const name = c.req.param("model");
  if (name === undefined) return answerJson(modelList(hint, isServed));

  const price = findPrice(hint.book, name);
  if (isRefusal(price)) return refuse(c, price);
  const route = findRoute(price.providerId, deps.openaiChat.name, deps.env);
  return isRefusal(route) ? refuse(c, route) : answerJson(modelEntry(price, hint));
}

async function chat(
  c: AppContext,
  dialect: Dialect,
  deps: ChatProxyDeps,
): Promise<Response> {
  const startedMs = deps.now();
  const requestId = c.get("requestId");
  const caller = await identify(c.req.raw, deps.identify);
  // The body is read even where the caller is refused: an answer that comes while the client is
  // still sending never reaches it.
  const text = await readBody(c.req.raw, deps.env.maxBodyBytes);
  if (isRefusal(caller)) return refuse(c, caller);
  if (isRefusal(text)) return refuse(c, text);
  const payer = payerOf(caller, deps.env);
  if (isRefusal(payer)) return refuse(c, payer);

  const { book } = await deps.prices.read();
  const call = await readChatCall(c.req.raw.headers, text, dialect, book);
  if (isRefusal(call)) {
    if (call.code === "MODEL_NOT_FOUND") {
      noteMissingPrice(call.model, requestId, deps);
    }
    return refuse(c, call);
  }
  const route = findRoute(call.price.providerId, dialect.name, deps.env);
  if (isRefusal(route)) return refuse(c, route);

  const reservation = await reserve(requestId, payer, call, deps);
  if (isRefusal(reservation)) return refuse(c, reservation);

  const context: SettlementContext = {
    requestId,
    userId: "userId" in payer ? payer.userId : null,
    chatId: call.chatId,
    model: modelName(call.price),
    payment: reservation !== null
      ? "reserved"
      : deps.env.usageTracking === "off"
      ? "untracked"
      : "logged",
    inputTokensEstimate: call.inputTokensEstimate,
    startedMs,
  };
  const response = await answer(c, {
    dialect,
    call,
    route,
    reservation,
    context,
  }, deps);
  addGuestHeaders(response, caller, c.req.raw);
  return response;
}
