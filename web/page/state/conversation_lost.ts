/** What a refusal says of an answer that was given before, and did not arrive. */
import { FareboxError } from "../../client/errors.ts";
import { costOf } from "../../client/settled_receipt.ts";
import type { ChatCost, Receipt } from "../../client/types.ts";

export interface LostAnswer {
  readonly requestId: string;
  /** Null where it is not known: it may still run. */
  readonly cost: ChatCost | null;
}

/** @returns `free` where nothing was charged: it can be asked anew; null: the error is another one. */
export function lostAnswerOf(error: unknown): LostAnswer | "free" | null {
  if (!(error instanceof FareboxError) || error.code !== "DUPLICATE_REQUEST") return null;
  const { duplicate_of: requestId, receipt } = error.body;
  if (typeof requestId !== "string" || receipt === null) return "free";
  return { requestId, cost: receipt === undefined ? null : costOf(receipt as Receipt) };
}
