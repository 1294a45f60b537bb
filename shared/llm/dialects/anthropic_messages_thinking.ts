import type { JsonObject, ModelRequest, RequestFault } from "../dialect.ts";
import { arrayOf, objectOf } from "../json_reading.ts";
import { fault, isPresent } from "./request_checks.ts";

/** The API takes no smaller budget, and wants it below `max_tokens`. */
const BUDGET_TOKENS_MIN = 1024;

/**
 * Whether the model is asked to think: since Claude 4 a stream shows a summary of it, or nothing, and
 * all of it is billed.
 */
export function readThinking(thinking: unknown): boolean | RequestFault {
  if (!isPresent(thinking)) return false;
  const type = objectOf(thinking)?.type;
  if (typeof type === "string") return type !== "disabled";
  return fault(`thinking must be an object with a type, such as {"type":"disabled"}.`, "thinking");
}

/**
 * The fields to change where the proxy lowers `max_tokens`: a budget that no longer fits keeps its
 * share of the answer, and thinking is left out where not even the least fits. The provider would
 * answer 400 otherwise.
 */
export function adaptThinking(
  { body, outputTokensLimit }: ModelRequest,
  limit: number,
): JsonObject {
  const thinking = objectOf(body.thinking);
  const budget = thinking?.budget_tokens;
  if (thinking?.type !== "enabled" || typeof budget !== "number" || budget < limit) return {};
  if (limit > BUDGET_TOKENS_MIN) {
    const share = Math.floor(budget * limit / (outputTokensLimit ?? budget));
    const fitting = Math.max(BUDGET_TOKENS_MIN, Math.min(share, limit - 1));
    return { thinking: { ...thinking, budget_tokens: fitting } };
  }
  const management = objectOf(body.context_management);
  // To clear thinking is an error where there is none.
  const edits = arrayOf(management?.edits).filter((edit) =>
    !String(objectOf(edit)?.type).startsWith("clear_thinking")
  );
  return {
    thinking: { type: "disabled" },
    ...(management === null ? {} : { context_management: { ...management, edits } }),
  };
}
