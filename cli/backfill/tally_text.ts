/** What a backfill has read and done, for people. Pure. */
import { formatUsd } from "../../shared/pricing/money.ts";
import type { Paint } from "../table.ts";
import { counted } from "../usd.ts";
import type { Collected } from "./collect_usage.ts";
import type { Tally } from "./settle_usage.ts";

/** As many of a kind as fit a screen; --json has them all. */
const TOLD = 20;

/** `1 request`, `1,204 requests`. */
export function requests(count: number): string {
  return `${counted(count)} request${count === 1 ? "" : "s"}`;
}

function lines(count: number): string {
  return `${counted(count)} line${count === 1 ? "" : "s"}`;
}

export function readText(collected: Collected, options: { from: string }): string {
  const { entries, repeats, ignored } = collected;
  const where = options.from === "-" ? "what came in" : options.from;
  return [
    `Read ${lines(entries)} of ${where}: the usage of ${requests(collected.requests)}.`,
    ...(repeats === 0 ? [] : [
      `  ${lines(repeats)} said it again: the first line of a request counts.`,
    ]),
    ...(ignored === 0 ? [] : [`  ${lines(ignored)} about something else.`]),
  ].join("\n");
}

export function unreadableText({ unreadable, unreadableCount }: Collected): string {
  return [
    `${lines(unreadableCount)} cannot be read:`,
    ...unreadable.slice(0, TOLD).map(({ line, reason, requestId }) =>
      `  ✗ line ${line}${requestId === null ? "" : ` (request ${requestId})`}: ${reason}`
    ),
    ...more(unreadableCount),
  ].join("\n");
}

export function tallyText(tally: Tally, options: { dryRun: boolean }, paint: Paint): string {
  const { charged, guests, corrected, refused } = tally;
  const told: string[] = [];
  const add = (count: number, text: string) => count > 0 && told.push(text);
  const was = options.dryRun ? "would be" : tally.charged.requests === 1 ? "was" : "were";
  add(
    charged.requests,
    `${requests(charged.requests)} ${was} charged: $${formatUsd(charged.cost)}, ` +
      `$${formatUsd(charged.collected)} of it collected${options.dryRun ? " at most" : ""}` +
      (charged.uncollected > 0n && !options.dryRun
        ? `; there was no credit for $${formatUsd(charged.uncollected)}.`
        : "."),
  );
  add(
    guests.requests,
    `${requests(guests.requests)} of guests ${
      options.dryRun ? "would be" : "are"
    } recorded: the house bears $${formatUsd(guests.cost)}.`,
  );
  add(
    corrected.requests,
    `${requests(corrected.requests)} had been charged at a checkpoint: ` +
      (corrected.difference < 0n
        ? `$${formatUsd(-corrected.difference)} less`
        : `$${formatUsd(corrected.difference)} more`) +
      (options.dryRun ? " would be collected." : " is collected."),
  );
  add(tally.alreadySettled, `${requests(tally.alreadySettled)} had been settled: nothing changes.`);
  const done = told.map((line) => `${paint("green", "✓")} ${line}`);
  if (tally.costsOther > 0) {
    done.push(
      `${paint("yellow", "!")} ${
        requests(tally.costsOther)
      } of these cost another amount than was ` +
        "recorded then: the prices of then are not known here.",
    );
  }
  if (refused.length > 0) {
    done.push(
      `${paint("red", "✗")} ${requests(refused.length)} ${
        options.dryRun ? "would not be" : "not"
      } charged:`,
      ...refused.slice(0, TOLD).map(({ requestId, line, code, message }) =>
        `    line ${line}, request ${requestId}: ${message} (${code})`
      ),
      ...more(refused.length),
    );
  }
  if (options.dryRun) done.push("A dry run: nothing was charged.");
  return done.join("\n");
}

function more(count: number): string[] {
  return count <= TOLD ? [] : [`    and ${count - TOLD} more; --json names them.`];
}
