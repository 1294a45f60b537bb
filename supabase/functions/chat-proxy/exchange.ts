import type { Reservation } from "../../../shared/credit/results.ts";
import type { Dialect } from "../../../shared/llm/dialect.ts";
import type { EarlyRequest } from "./early_start.ts";
import type { ChatCall } from "./read_request.ts";
import type { Candidate } from "./route.ts";
import type { SettlementContext } from "./settlement.ts";
import type { OwnReferences } from "./stored_items.ts";

/** One request that has its reservation. */
export type Exchange = {
  dialect: Dialect;
  call: ChatCall;
  /** What it goes on from. */
  own: OwnReferences;
  /** The model that was asked for, then those to fall back to. */
  candidates: readonly [Candidate, ...Candidate[]];
  reservation: Reservation | null;
  /** The first candidate's request, where it was sent before the reservation was there. */
  early: EarlyRequest | null;
  context: SettlementContext;
};
