/** Amounts for people. */

/** `"-0.5"` → `"-$0.5"`: every decimal that it has, and no more. */
export function usd(amount: string): string {
  return amount.startsWith("-") ? `-$${amount.slice(1)}` : `$${amount}`;
}

/** `"5"` → `"$5.00"`: cents at least, as on a bill; never rounded. */
export function usdWithCents(amount: string): string {
  const [whole = "", decimals = ""] = amount.split(".");
  return usd(`${whole}.${decimals.padEnd(2, "0")}`);
}

/** `1234567` → `"1,234,567"`. */
export function counted(count: number | bigint): string {
  return count.toLocaleString("en-US");
}
