/** Charges what a log says was used, several requests at a time. */
import * as z from "zod/mini";
import { isRefusal } from "../../shared/edge/refusal.ts";
import { parseUsd, type Usd } from "../../shared/pricing/money.ts";
import { LedgerUnavailable } from "../../shared/credit/ledger_unavailable.ts";
import type { Progress } from "../progress.ts";
import type { Target } from "../target.ts";
import type { LoggedUsage } from "./usage_line.ts";

export interface Refused {
  readonly requestId: string;
  readonly line: number;
  readonly code: string;
  readonly message: string;
}

/** What came of a backfill. Amounts in USD. */
export interface Tally {
  /** Charged now: what that cost, what of it was taken, and what there was no credit for. */
  charged: { requests: number; cost: Usd; collected: Usd; uncollected: Usd };
  /** Of guests, whose cost the house bears. */
  guests: { requests: number; cost: Usd };
  /** Charged at a checkpoint before; by how much more was taken, or less. */
  corrected: { requests: number; difference: Usd };
  alreadySettled: number;
  /** Charged now, at another cost than was recorded then. */
  costsOther: number;
  refused: Refused[];
  /** Why it ended before the last request; null where it did not. */
  stopped: LedgerUnavailable | null;
}

const amount = z.string();
const Charge = z.object({
  state: z.enum(["settled", "corrected", "already_settled"]),
  cost: amount,
  collected: amount,
  uncollected: amount,
  balance_before: z.nullable(amount),
  balance: z.nullable(amount),
});

/** The Data API has few connections, and other things to do. */
const AT_ONCE = 8;

/**
 * Settles each usage in a transaction of its own. What the ledger refuses is told in the end; where
 * the ledger is away it stops, and what was settled stays so: the same again settles the rest.
 */
export async function settleUsage(
  target: Pick<Target, "call">,
  usages: AsyncGenerator<{ usage: LoggedUsage; line: number }>,
  options: { dryRun: boolean; atOtherCost: boolean },
  progress: Pick<Progress, "at">,
): Promise<Tally> {
  const tally: Tally = {
    charged: { requests: 0, cost: 0n, collected: 0n, uncollected: 0n },
    guests: { requests: 0, cost: 0n },
    corrected: { requests: 0, difference: 0n },
    alreadySettled: 0,
    costsOther: 0,
    refused: [],
    stopped: null,
  };
  let done = 0;
  const work = async () => {
    while (tally.stopped === null) {
      // A generator answers those who ask at once one after the other.
      const next = await usages.next();
      if (next.done) return;
      const { usage, line } = next.value;
      try {
        const charge = await target.call("backfill_usage", argsOf(usage, options), Charge);
        count(tally, usage, charge);
      } catch (error) {
        const refusal = isRefusal(error) ? error : refusalOfValue(error);
        if (refusal !== null) {
          const { code, message } = refusal;
          tally.refused.push({ requestId: usage.request_id, line, code, message });
        } else if (error instanceof LedgerUnavailable) tally.stopped = error;
        else throw error;
      }
      progress.at(++done);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  await usages.return(undefined);
  tally.refused.sort((one, other) => one.line - other.line);
  return tally;
}

/** Where the database cannot keep a value, such as a text with a NUL: those of other lines it can. */
function refusalOfValue(error: unknown): { code: string; message: string } | null {
  if (!(error instanceof LedgerUnavailable)) return null;
  const sqlstate = /^http 400, (2[23]\w{3})/.exec(error.reason)?.[1];
  if (sqlstate === undefined) return null;
  return {
    code: "VALUE_REFUSED",
    message: `The database cannot keep a value of this line (SQLSTATE ${sqlstate}). Mend the line.`,
  };
}

function count(tally: Tally, usage: LoggedUsage, charge: z.infer<typeof Charge>): void {
  if (charge.state === "already_settled") {
    tally.alreadySettled++;
    return;
  }
  if (charge.state === "corrected") {
    tally.corrected.requests++;
    if (charge.balance_before !== null && charge.balance !== null) {
      tally.corrected.difference += parseUsd(charge.balance_before) - parseUsd(charge.balance);
    }
    return;
  }
  const cost = parseUsd(charge.cost);
  if (usage.cost !== undefined && usage.cost !== charge.cost) tally.costsOther++;
  if (usage.user_id === null) {
    tally.guests.requests++;
    tally.guests.cost += cost;
    return;
  }
  tally.charged.requests++;
  tally.charged.cost += cost;
  tally.charged.collected += parseUsd(charge.collected);
  tally.charged.uncollected += parseUsd(charge.uncollected);
}

function argsOf(
  usage: LoggedUsage,
  { dryRun, atOtherCost }: { dryRun: boolean; atOtherCost: boolean },
): Record<string, unknown> {
  const { tokens, media } = usage;
  return {
    p_request_id: usage.request_id,
    p_user_id: usage.user_id,
    p_chat_id: usage.chat_id,
    p_at: usage.at,
    p_model: usage.model,
    p_input_tokens: tokens.input,
    p_cache_read_tokens: tokens.cache_read,
    p_cache_write_5m_tokens: tokens.cache_write_5m,
    p_cache_write_1h_tokens: tokens.cache_write_1h,
    p_output_tokens: tokens.output,
    p_basis: usage.basis,
    p_provider_request_id: usage.provider_request_id,
    p_finish: usage.finish,
    p_first_token_ms: usage.first_token_ms,
    p_duration_ms: usage.duration_ms,
    p_input_audio_tokens: media?.input_audio ?? 0,
    p_input_image_tokens: media?.input_image ?? 0,
    p_cache_read_audio_tokens: media?.cache_read_audio ?? 0,
    p_output_audio_tokens: media?.output_audio ?? 0,
    p_output_image_tokens: media?.output_image ?? 0,
    p_web_searches: usage.web_searches ?? 0,
    p_other_models: usage.other_models?.map(({ model, tokens }) => ({ model, ...tokens })) ?? null,
    p_provider_cost: usage.provider_cost ?? null,
    p_service_tier: usage.service_tier ?? null,
    p_flags: usage.flags ?? null,
    p_dry_run: dryRun,
    p_expected_cost: atOtherCost ? null : usage.cost ?? null,
  };
}
