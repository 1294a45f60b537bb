/** The words that the steps share for how a request ends. */
import type { Basis, Tokens } from "../../../shared/pricing/usage.ts";

/** How an answer ended. `complete` is the only one that the provider chose. */
export type End =
  | "complete"
  | "upstream_error"
  | "cancelled"
  | "deadline"
  | "insufficient_balance"
  | "spend_limit"
  | "output_limit";

/** What the trailing comment says of an end that the reader may not expect. */
export const END_CODES: Record<End, string | null> = {
  complete: null,
  cancelled: null,
  upstream_error: "UPSTREAM_ERROR",
  deadline: "DEADLINE_REACHED",
  insufficient_balance: "INSUFFICIENT_BALANCE",
  spend_limit: "SPEND_LIMIT_REACHED",
  output_limit: "OUTPUT_LIMIT_REACHED",
};

/** What a request came to, for the reader: in the trailing comment or the headers. */
export type Outcome = {
  cost: string;
  /** What a user's balance paid, where it did not pay for all of the cost. */
  collected?: string;
  /** Null for a guest, and where there is no reservation. */
  balance: string | null;
  tokens: Tokens | null;
  basis: Basis | null;
};
