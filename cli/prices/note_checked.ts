/** That somebody has looked at the prices: the alert on their age waits from then. */
import * as z from "zod/mini";
import { LedgerUnavailable } from "../../shared/credit/ledger_unavailable.ts";
import type { Target } from "../target.ts";

/** Notes that the prices were compared with the catalogue now. An older ledger keeps no such note. */
export async function notePricesChecked(target: Pick<Target, "call">): Promise<void> {
  try {
    await target.call("note_prices_checked", {}, z.unknown());
  } catch (error) {
    // The comparison itself is done and told: it does not fail by its note.
    if (!(error instanceof LedgerUnavailable)) throw error;
  }
}
