/** Chat history: what a user asked and was answered, saved behind the answer. No money depends on it. */
import { LedgerUnavailable } from "../../../shared/credit/ledger.ts";
import { logWarning } from "../../../shared/edge/log.ts";
import { isRefusal } from "../../../shared/edge/refusal.ts";
import type { MeterSnapshot } from "../../../shared/llm/meter.ts";
import { type Capture, type Captured, createCapture, KEPT_BYTES_MAX } from "./capture.ts";
import { decideCharge } from "./decide_charge.ts";
import type { ChatProxyDeps } from "./deps.ts";
import type { End } from "./ending.ts";
import type { Exchange } from "./exchange.ts";
import type { SettlementContext } from "./settlement.ts";

/** How an answer came out. */
export type Written = { end: End; snapshot: MeterSnapshot };

/** A capture where this answer is to be saved; null for a guest, and where no history is kept. */
export async function captureFor(
  { dialect, context }: Exchange,
  { settings }: Pick<ChatProxyDeps, "settings">,
): Promise<Capture | null> {
  if (context.userId === null) return null;
  return (await settings.read()).savesChatHistory ? createCapture(dialect.name) : null;
}

/**
 * Saves an exchange. Its bytes only where the answer is complete: a part of one must not be given to
 * a retry for the whole. A failure is logged, and nothing else happens. Never rejects.
 *
 * @param context of the model that answered.
 */
export async function saveExchange(
  { dialect, call }: Pick<Exchange, "dialect" | "call">,
  context: SettlementContext,
  { end, snapshot }: Written,
  captured: Captured,
  responseType: string,
  { ledger }: Pick<ChatProxyDeps, "ledger">,
): Promise<void> {
  const { requestId, userId, chatId, model } = context;
  // Nothing was delivered, and the key was given back: it never happened.
  if (userId === null || decideCharge(snapshot, 0, end).kind === "release") return;
  const isComplete = end === "complete" && snapshot.error === null;
  const response = isComplete ? captured.response : null;
  try {
    const saved = await ledger.saveExchange({
      requestId,
      userId,
      chatId,
      dialect: dialect.name,
      model,
      request: storable(call.request.body),
      answer: storableText(captured.answer),
      response,
      responseType: response === null ? null : responseType,
    });
    if (isRefusal(saved)) logFailure(saved.message);
  } catch (error) {
    logFailure(error instanceof LedgerUnavailable ? error.message : error);
  }

  function logFailure(reason: unknown): void {
    logWarning("Could not save an exchange", { request_id: requestId, reason });
  }
}

/** The body as PostgreSQL can hold it; null where it is too large. */
function storable(body: unknown): unknown {
  return JSON.stringify(body).length > KEPT_BYTES_MAX ? null : withStorableText(body);
}

/** The same, names of fields as well as values. How deep a body may be is bounded when it is read. */
function withStorableText(value: unknown): unknown {
  if (typeof value === "string") return storableText(value);
  if (Array.isArray(value)) return value.map(withStorableText);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [storableText(name), withStorableText(inner)]),
  );
}

/** PostgreSQL has no text with a NUL or half of a surrogate pair in it. */
function storableText(text: string): string {
  return text.replaceAll("\0", "\uFFFD").toWellFormed();
}
