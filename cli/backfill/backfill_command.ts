import { formatUsd } from "../../shared/pricing/money.ts";
import { requireTime } from "../arguments.ts";
import { isConfirmed } from "../confirm.ts";
import { startProgress } from "../progress.ts";
import { stdoutPaint } from "../table.ts";
import type { Target } from "../target.ts";
import { type Collected, collectUsage } from "./collect_usage.ts";
import { settleUsage, type Tally } from "./settle_usage.ts";
import { readText, requests, tallyText, unreadableText } from "./tally_text.ts";

export type BackfillOptions = {
  from: string;
  recorded: boolean;
  at?: string;
  skipUnreadable: boolean;
  /** Charges recorded usage also where it comes to another amount than was recorded. */
  atOtherCost: boolean;
  dryRun: boolean;
  yes: boolean;
};

/** Reads the whole log first, then settles what it says, each request once. */
export async function backfill(target: Target, options: BackfillOptions): Promise<number> {
  const at = options.at === undefined ? null : requireTime("--at", options.at).toISOString();
  const collected = await collectUsage(options.from, { recorded: options.recorded, at });
  try {
    return await settleCollected(target, collected, options);
  } finally {
    await collected.discard();
  }
}

async function settleCollected(
  target: Target,
  collected: Collected,
  options: BackfillOptions,
): Promise<number> {
  if (!target.json) console.log(readText(collected, options));
  if (collected.unreadableCount > 0) {
    console.error(unreadableText(collected));
    if (!options.skipUnreadable) {
      console.error(
        "Nothing was charged. Mend these lines in the log, or pass over them with " +
          "--skip-unreadable: what they say is not charged then.",
      );
      if (target.json) console.log(JSON.stringify(resultJson(collected, null, options)));
      return 1;
    }
  }
  const isWanted = collected.requests > 0 &&
    (options.dryRun || isConfirmed(
      target,
      options,
      `Charge ${requests(collected.requests)}, as far as not charged yet, on ${target.url}?`,
    ));
  const tally = isWanted ? await settle(target, collected, options) : null;
  if (target.json) console.log(JSON.stringify(resultJson(collected, tally, options)));
  else if (tally !== null) console.log(tallyText(tally, options, stdoutPaint()));
  if (tally === null) return collected.requests === 0 ? 0 : 1;
  if (tally.stopped !== null) {
    console.error("It was stopped. What is charged stays so: the same command does the rest.");
    throw tally.stopped;
  }
  return tally.refused.length === 0 ? 0 : 1;
}

async function settle(
  target: Target,
  collected: Collected,
  options: BackfillOptions,
): Promise<Tally> {
  const progress = startProgress(collected.requests, "requests");
  try {
    return await settleUsage(target, collected.usages(), options, progress);
  } finally {
    progress.stop();
  }
}

/** Amounts in USD, as decimal strings. */
function resultJson(collected: Collected, tally: Tally | null, options: BackfillOptions) {
  const { entries, requests, repeats, ignored, unreadable, unreadableCount } = collected;
  return {
    dry_run: options.dryRun,
    read: {
      entries,
      requests,
      repeats,
      ignored,
      unreadable_count: unreadableCount,
      unreadable: unreadable.map(({ line, reason, requestId }) => ({
        line,
        reason,
        request_id: requestId,
      })),
    },
    result: tally && {
      charged: {
        requests: tally.charged.requests,
        cost: formatUsd(tally.charged.cost),
        collected: formatUsd(tally.charged.collected),
        uncollected: formatUsd(tally.charged.uncollected),
      },
      guests: { requests: tally.guests.requests, cost: formatUsd(tally.guests.cost) },
      corrected: {
        requests: tally.corrected.requests,
        difference: formatUsd(tally.corrected.difference),
      },
      already_settled: tally.alreadySettled,
      costs_other_than_recorded: tally.costsOther,
      refused: tally.refused.map(({ requestId, line, code, message }) => ({
        request_id: requestId,
        line,
        code,
        message,
      })),
      is_complete: tally.stopped === null,
    },
  };
}
