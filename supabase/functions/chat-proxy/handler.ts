/**
 * chat-proxy: the path of a request, as in DESIGN §2. This file owns every branch; the steps compute
 * and return.
 *
 *     request → identify → read → reserve → forward → relay → settle
 */
import { findPrice, lookUp } from "../../../shared/credit/find_price.ts";
import { LedgerUnavailable } from "../../../shared/credit/ledger.ts";
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
import type { DialectName } from "../../../shared/llm/dialect.ts";
import { modelName, type Price } from "../../../shared/pricing/price.ts";
import { answer } from "./answer.ts";
import type { ChatProxyDeps } from "./deps.ts";
import { createEarlyStarts, type EarlyStarts } from "./early_start.ts";
import { noteMissingPrice } from "./incidents.ts";
import {
  listFormOf,
  mayUse,
  modelEntry,
  modelList,
  notAllowed,
  type ServedModel,
} from "./models.ts";
import { readChatCall } from "./read_request.ts";
import { findAnswer, replay } from "./replay.ts";
import { payerOf, reserve } from "./reserve.ts";
import { findCandidates, findRoute } from "./route.ts";
import type { SettlementContext } from "./settlement.ts";
import { checkReferences } from "./stored_items.ts";
import { readTarget } from "./target.ts";

/** Builds the function: from requests to responses. */
export function createHandler(
  deps: ChatProxyDeps,
): (request: Request) => Promise<Response> {
  const app = createChatApp(deps);
  return async (request) => await app.fetch(request);
}

/** The function's routes, of which every POST is a chat in the dialect of its path. */
export function createChatApp(deps: ChatProxyDeps) {
  const early = createEarlyStarts(deps);
  const app = createApp({
    slug: "chat-proxy",
    readOrigins: async () => (await deps.settings.read()).corsAllowedOrigins,
    refusalFromError: refusalFromOutage,
  });
  app.use(async (c, next) => {
    await next();
    // Anthropic's SDKs look for the id there, to name it in their errors and their answers.
    if (c.req.raw.headers.has("anthropic-version")) c.header("request-id", c.get("requestId"));
  });
  const POST = (dialect: DialectName) => ({
    POST: (c: AppContext) => chat(c, dialect, early, deps),
  });
  addRoute(app, "/", POST("openai-chat"));
  addRoute(app, "/v1/chat/completions", POST("openai-chat"));
  addRoute(app, "/v1/responses", POST("openai-responses"));
  addRoute(app, "/v1/messages", POST("anthropic-messages"));
  // As Azure's SDKs have it below a resource's address. The model is in the body as well.
  addRoute(app, "/openai/v1/chat/completions", POST("openai-chat"));
  addRoute(app, "/openai/v1/responses", POST("openai-responses"));
  for (const base of ["/openai", "/v1"]) {
    addRoute(app, `${base}/deployments/:model{.+}/chat/completions`, POST("openai-chat"));
  }
  for (const version of ["v1beta", "v1", "v1alpha"]) {
    addRoute(app, `/${version}/models`, { GET: (c) => models(c, deps) });
    addRoute(app, `/${version}/models/:model{.+}`, {
      GET: (c) => models(c, deps),
      ...POST("gemini"),
    });
    // @ai-sdk/google leaves `models/` out before a name with a slash in it, as provider/model has.
    addRoute(app, `/${version}/:model{.+/.+:(?:stream)?[gG]enerateContent}`, POST("gemini"));
  }
  return app;
}

async function models(c: AppContext, deps: ChatProxyDeps): Promise<Response> {
  const caller = await identify(c.req.raw, deps.identify);
  if (isRefusal(caller)) return refuse(c, caller);
  const form = listFormOf(c.req.raw, c.req.path);
  const served = (price: Price): ServedModel => ({
    price,
    dialects: [...deps.dialects.keys()].filter((dialect) =>
      !isRefusal(findRoute(price.providerId, dialect, deps.env))
    ),
  });
  const name = c.req.param("model");
  if (name === undefined) {
    const hint = await deps.prices.read();
    const all = hint.book.prices.filter((price) => mayUse(caller, price)).map(served)
      .filter(({ dialects }) => dialects.length > 0);
    return answerJson(modelList(all, hint, form));
  }
  const found = await lookUp(deps.prices, (hint) => {
    const price = findPrice(hint.book, name);
    return isRefusal(price) ? price : { price, hint };
  });
  if (isRefusal(found)) return refuse(c, found);
  const { price, hint } = found;
  if (!mayUse(caller, price)) return refuse(c, notAllowed(price));
  const model = served(price);
  if (model.dialects.length > 0) return answerJson(modelEntry(model, hint, form));
  return refuse(c, {
    code: "PROVIDER_NOT_ENABLED",
    message: `${modelName(price)} has a price here, but its provider is not enabled. ` +
      "GET /v1/models lists what can be used.",
    provider: price.providerId,
  });
}

async function chat(
  c: AppContext,
  dialectName: DialectName,
  earlyStarts: EarlyStarts,
  deps: ChatProxyDeps,
): Promise<Response> {
  const startedMs = deps.now();
  const requestId = c.get("requestId");
  earlyStarts.readSettings();
  const dialect = await deps.dialects.get(dialectName)!();
  c.set("dialectError", dialect.errorBody);
  const caller = await identify(c.req.raw, deps.identify);
  // What a stranger sends is thrown away as it comes, by `createApp`, and not kept.
  if (isRefusal(caller)) return refuse(c, caller);
  const text = await readBody(c.req.raw, deps.env.maxBodyBytes);
  if (isRefusal(text)) return refuse(c, text);
  const payer = payerOf(caller, deps.env);
  if (isRefusal(payer)) return refuse(c, payer);
  const target = dialectName === "gemini" ? readTarget(c) : undefined;
  if (isRefusal(target)) return refuse(c, target);

  const known = await lookUp(deps.prices, async ({ book, markupBasisPoints }) => {
    const call = await readChatCall(c.req.raw.headers, text, target, dialect, book);
    return isRefusal(call) ? call : { call, markupBasisPoints };
  });
  if (isRefusal(known)) {
    if (known.code === "MODEL_NOT_FOUND") noteMissingPrice(known.model, requestId, deps);
    return refuse(c, known);
  }
  const { call, markupBasisPoints } = known;
  const candidates = findCandidates(call.prices, dialect.name, deps.env);
  if (isRefusal(candidates)) return refuse(c, candidates);
  const own = await checkReferences(call.request, payer, deps);
  if (isRefusal(own)) return refuse(c, own);

  const asked = { requestId, caller, dialect, call, candidates, markupBasisPoints };
  const early = earlyStarts.start(asked);
  try {
    const paid = await reserve(requestId, payer, call, deps);
    if (isRefusal(paid)) {
      early?.end(paid.code);
      earlyStarts.noteRefused(payer);
      if (paid.code !== "DUPLICATE_REQUEST") return refuse(c, paid);
      const stored = await findAnswer(paid, payer, deps);
      return isRefusal(stored) ? refuse(c, stored) : replay(stored);
    }
    const { payment, reservation } = paid;
    earlyStarts.noteReserved(payer, reservation);
    const context: SettlementContext = {
      requestId,
      userId: "userId" in payer ? payer.userId : null,
      chatId: call.chatId,
      model: modelName(call.prices[0]),
      payment,
      inputTokensEstimate: call.inputTokensEstimate,
      inputTokensMax: call.inputTokensMax,
      outputTokensLimit: reservation?.output_tokens_limit ?? null,
      webSearchesMin: call.request.webSearchesMin ?? 0,
      startedMs,
    };
    const exchange = { dialect, call, own, candidates, reservation, early, context };
    const noteBalance = (balance: string) => earlyStarts.noteBalance(payer, balance);
    const response = await answer(c, exchange, noteBalance, deps);
    addGuestHeaders(response, caller, c.req.raw);
    return response;
  } catch (error) {
    early?.end(error instanceof LedgerUnavailable ? "LEDGER_UNAVAILABLE" : "bug");
    throw error;
  } finally {
    // Granted, and refused after all: what is left pays for less than the model takes.
    early?.end("too_little");
  }
}
