/**
 * The ledger as TypeScript sees it: one method per SQL function, nothing more. No method reads a
 * balance to write one.
 *
 * A refusal comes back as a value (`isRefusal` tells). Anything else that goes wrong throws
 * `LedgerUnavailable`, after at most the timeout; the caller decides whether that is a 503 or a retry.
 */
import * as z from "zod/mini";
import { toBase64 } from "../edge/base64.ts";
import type { Refusal } from "../edge/refusal.ts";
import { parsePrices, type Price } from "../pricing/price.ts";
import { LedgerUnavailable } from "./ledger_unavailable.ts";
import type * as reports from "./reports.ts";
import type {
  ExchangeArgs,
  ExtendArgs,
  GrantArgs,
  GuestArgs,
  IncidentArgs,
  Page,
  Range,
  RefundArgs,
  ReserveArgs,
  SettleArgs,
  SignUpArgs,
  UsageArgs,
} from "./requests.ts";
import * as results from "./results.ts";
import { createRpc, type LedgerOptions } from "./rpc.ts";

export { LedgerUnavailable };

/** A result, or the refusal that came instead. */
export type Outcome<T> = Promise<T | Refusal>;

/** Current prices, and the markup that comes on top of them (100 basis points are one per cent). */
export type Catalogue = { prices: Price[]; markupBasisPoints: number };

export interface Ledger {
  /** Null: the setting `usage_tracking` is off, so that this user's request is not metered. */
  reserve(args: ReserveArgs): Outcome<results.Reservation | null>;
  extend(args: ExtendArgs): Outcome<results.Extension>;
  settle(args: SettleArgs): Outcome<results.Settlement>;
  release(args: { requestId: string; reason: string }): Outcome<results.Release>;
  /** Settles or releases up to `limit` reservations whose worker is dead. */
  expire(limit?: number): Outcome<results.Expiry>;
  grantCredit(args: GrantArgs): Outcome<results.Grant>;
  refund(args: RefundArgs): Outcome<results.Refund>;
  welcome(userId: string): Outcome<results.Welcome>;
  decideSignUp(args: SignUpArgs): Outcome<results.SignUpDecision>;
  /** Creates the account, and grants the welcome credit, where that has not happened yet. */
  accountBalance(userId: string): Outcome<results.AccountBalance>;
  guestStatus(args: GuestArgs): Outcome<results.GuestStatus>;
  usageList(args: UsageArgs): Outcome<reports.UsagePage>;
  usageSummary(
    args: Range & { userId: string; by: "day" | "model" },
  ): Outcome<reports.UsageSummary>;
  chatCost(args: { userId: string; chatId: string }): Outcome<reports.ChatCost>;
  /** `userId: null` finds anyone's (the operator); null: there is none that this user may see. */
  receipt(args: { userId: string | null; requestId: string }): Outcome<reports.Receipt | null>;
  transactionsList(args: Page & { userId: string }): Outcome<reports.TransactionsPage>;
  pricingCatalogue(): Outcome<Catalogue>;
  /** Answers when both tables can be read; throws `LedgerUnavailable` otherwise. */
  healthCheck(): Outcome<Record<string, unknown>>;
  healthDetails(): Outcome<reports.HealthDetails>;
  reconcile(): Outcome<reports.Reconciliation>;
  recordIncident(args: IncidentArgs): Outcome<null>;
  /** Keeps a question and its answer for their user; once, and no money depends on it. */
  saveExchange(args: ExchangeArgs): Outcome<null>;
  /** What is known of a user's request that has ended. */
  endedRequest(args: { userId: string; requestId: string }): Outcome<results.EndedRequest>;
  /** Remembers that these lie at a provider for a user: answers, and items of answers, by id. */
  rememberStoredItems(args: { userId: string; ids: readonly string[] }): Outcome<null>;
  /** Those of the ids that were not given to this user. */
  foreignStoredItems(args: { userId: string; ids: readonly string[] }): Outcome<string[]>;
  /** What the functions must know themselves; null where the migrations have no such function yet. */
  functionSettings(): Outcome<results.FunctionSettings | null>;
}

/** PostgREST's code for a function that is not there. */
const NO_SUCH_FUNCTION = "PGRST202";

/** Connects to the ledger. Make one per isolate; it holds no state but the client. */
export function createLedger(options: LedgerOptions): Ledger {
  const rpc = createRpc(options);

  async function call<T>(
    name: string,
    args: Record<string, unknown>,
    parse: (data: unknown) => T,
  ): Promise<T | Refusal> {
    const result = await rpc(name, args);
    if (result.kind === "refused") return result.refusal;
    try {
      return parse(result.data);
    } catch (error) {
      throw new LedgerUnavailable(name, `malformed answer (${shapeProblem(error)})`);
    }
  }
  const as = <T extends z.ZodMiniType>(schema: T) => (data: unknown): z.infer<T> =>
    z.parse(schema, data);

  /** Not every function asks for a report: the schemas of all of them are loaded with the first. */
  async function report<T extends z.ZodMiniType>(
    name: string,
    args: Record<string, unknown>,
    schemaOf: (all: typeof reports) => T,
  ): Promise<z.infer<T> | Refusal> {
    const schema = schemaOf(await import("./reports.ts"));
    return await call(name, args, as(schema));
  }

  return {
    reserve: ({ payer, ...args }) =>
      call("reserve", {
        p_request_id: args.requestId,
        p_user_id: "userId" in payer ? payer.userId : null,
        p_guest_token_id: "userId" in payer ? null : payer.guestTokenId,
        p_guest_address_hash: "userId" in payer ? null : payer.guestAddressHash,
        p_guest_limit: "userId" in payer ? null : payer.guestLimit,
        p_provider_id: args.providerId,
        p_model_id: args.modelId,
        p_input_tokens_max: args.inputTokensMax,
        p_output_tokens_max: args.outputTokensMax,
        p_chat_id: args.chatId,
        p_idempotency_key: args.idempotencyKey,
        p_request_hash: args.requestHash,
        p_enforcement: args.enforcement,
        p_can_extend: args.canExtend,
        p_fallback_models: args.fallbackModels.length > 0 ? args.fallbackModels : null,
        p_with_media: args.withMedia,
        p_web_searches_max: args.webSearchesMax,
      }, results.parseReserved),
    extend: (args) =>
      call("extend", {
        p_request_id: args.requestId,
        p_output_tokens_total: args.outputTokensTotal,
        p_input_tokens: args.inputTokens,
        p_output_tokens: args.outputTokens,
      }, as(results.ExtensionSchema)),
    settle: (args) =>
      call("settle", {
        p_request_id: args.requestId,
        p_input_tokens: args.tokens.input,
        p_cache_read_tokens: args.tokens.cache_read,
        p_cache_write_5m_tokens: args.tokens.cache_write_5m,
        p_cache_write_1h_tokens: args.tokens.cache_write_1h,
        p_output_tokens: args.tokens.output,
        p_basis: args.basis,
        p_provider_request_id: args.providerRequestId,
        p_finish: args.finish,
        p_first_token_ms: args.firstTokenMs,
        p_duration_ms: args.durationMs,
        p_model: args.model,
        p_input_audio_tokens: args.media.input_audio,
        p_input_image_tokens: args.media.input_image,
        p_cache_read_audio_tokens: args.media.cache_read_audio,
        p_output_audio_tokens: args.media.output_audio,
        p_output_image_tokens: args.media.output_image,
        p_web_searches: args.webSearches,
        p_other_models: args.otherModels.length > 0
          ? args.otherModels.map(({ model, tokens }) => ({ model, ...tokens }))
          : null,
        p_provider_cost: args.providerCost,
        p_service_tier: args.serviceTier,
        p_flags: args.flags.length > 0 ? args.flags : null,
      }, as(results.SettlementSchema)),
    release: ({ requestId, reason }) =>
      call("release", { p_request_id: requestId, p_reason: reason }, as(results.ReleaseSchema)),
    expire: (limit = 100) => call("expire", { p_limit: limit }, as(results.ExpirySchema)),
    grantCredit: (args) =>
      call("grant_credit", {
        p_user_id: args.userId,
        p_amount: args.amount,
        p_kind: args.kind,
        p_key: args.key,
        p_note: args.note,
      }, as(results.GrantSchema)),
    refund: (args) =>
      call("refund", {
        p_request_id: args.requestId,
        p_amount: args.amount,
        p_key: args.key,
        p_reason: args.reason,
      }, as(results.RefundSchema)),
    welcome: (userId) => call("welcome", { p_user_id: userId }, as(results.WelcomeSchema)),
    decideSignUp: (args) =>
      call("decide_sign_up", {
        p_user_id: args.userId,
        p_email: args.email,
        p_address_hash: args.addressHash,
        p_is_anonymous: args.isAnonymous,
      }, as(results.SignUpDecisionSchema)),
    accountBalance: (userId) =>
      call("account_balance", { p_user_id: userId }, as(results.AccountBalanceSchema)),
    guestStatus: (args) =>
      call("guest_status", {
        p_guest_token_id: args.guestTokenId,
        p_guest_address_hash: args.guestAddressHash,
        p_guest_limit: args.guestLimit,
      }, as(results.GuestStatusSchema)),
    usageList: (args) =>
      report("usage_list", {
        p_user_id: args.userId,
        p_from: args.from,
        p_to: args.to,
        p_model: args.model,
        p_chat_id: args.chatId,
        p_limit: args.limit,
        p_before: args.before,
      }, (all) => all.UsagePageSchema),
    usageSummary: (args) =>
      report("usage_summary", {
        p_user_id: args.userId,
        p_by: args.by,
        p_from: args.from,
        p_to: args.to,
      }, (all) => all.UsageSummarySchema),
    chatCost: ({ userId, chatId }) =>
      report("chat_cost", { p_user_id: userId, p_chat_id: chatId }, (all) => all.ChatCostSchema),
    receipt: ({ userId, requestId }) =>
      report("receipt", { p_user_id: userId, p_request_id: requestId }, (all) => all.ReceiptSchema),
    transactionsList: ({ userId, limit, before }) =>
      report(
        "transactions_list",
        { p_user_id: userId, p_limit: limit, p_before: before },
        (all) => all.TransactionsPageSchema,
      ),
    pricingCatalogue: () => call("pricing_catalogue", {}, parseCatalogue),
    healthCheck: () => call("health_check", {}, as(z.record(z.string(), z.unknown()))),
    healthDetails: () => report("health_details", {}, (all) => all.HealthDetailsSchema),
    reconcile: () => report("reconcile", {}, (all) => all.ReconciliationSchema),
    recordIncident: (args) =>
      call("record_incident", {
        p_kind: args.kind,
        p_user_id: args.userId,
        p_request_id: args.requestId,
        p_details: args.details,
      }, () => null),
    saveExchange: (args) =>
      call("save_exchange", {
        p_request_id: args.requestId,
        p_user_id: args.userId,
        p_chat_id: args.chatId,
        p_dialect: args.dialect,
        p_model: args.model,
        p_request: args.request,
        p_answer: args.answer,
        p_response: args.response && toBase64(args.response),
        p_response_type: args.responseType,
      }, () => null),
    endedRequest: ({ userId, requestId }) =>
      call(
        "ended_request",
        { p_user_id: userId, p_request_id: requestId },
        as(results.EndedRequestSchema),
      ),
    rememberStoredItems: ({ userId, ids }) =>
      nullWhereMissing(
        call("remember_stored_items", { p_user_id: userId, p_ids: ids }, () => null),
      ),
    foreignStoredItems: ({ userId, ids }) =>
      call(
        "foreign_stored_items",
        { p_user_id: userId, p_ids: ids },
        as(results.ForeignItemsSchema),
      ),
    functionSettings: () =>
      nullWhereMissing(call("function_settings", {}, as(results.FunctionSettingsSchema))),
  };
}

/** Migrations that are older than this function do not have all of SQL's. */
async function nullWhereMissing<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof LedgerUnavailable && error.reason.endsWith(NO_SUCH_FUNCTION)) return null;
    throw error;
  }
}

const CatalogueMarkup = z.array(z.looseObject({ markup_basis_points: z.optional(z.int()) }));

/** Every row carries the same markup, because it is a setting of the house. */
function parseCatalogue(data: unknown): Catalogue {
  const rows = z.parse(CatalogueMarkup, data);
  return { prices: parsePrices(rows), markupBasisPoints: rows[0]?.markup_basis_points ?? 0 };
}

/** Where an answer has another form than expected: names of fields only, never their values. */
function shapeProblem(error: unknown): string {
  if (!(error instanceof z.core.$ZodError)) return "an amount out of range";
  return error.issues.slice(0, 3).map((issue) => issue.path.join(".") || "the whole").join(", ");
}
