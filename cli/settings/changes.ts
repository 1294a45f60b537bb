/** What a change of settings means, before it is made. */
import { parseUsd } from "../../shared/pricing/money.ts";
import type { Setting, Settings, SettingValue } from "./catalogue.ts";

export type Change = { setting: Setting; from: SettingValue; to: SettingValue };

/** Those of the wanted values that differ from what is. */
export function changesTo(
  wanted: ReadonlyMap<Setting, SettingValue>,
  now: Settings,
): Change[] {
  return [...wanted].flatMap(([setting, to]) => {
    const from = now[setting.name] ?? null;
    return JSON.stringify(from) === JSON.stringify(to) ? [] : [{ setting, from, to }];
  });
}

/** What keeps users and guests from using more than the house means to give. */
const LIMITS = new Set([
  "requests_per_minute_max",
  "concurrent_requests_max",
  "daily_spend_per_user_max",
  "daily_spend_of_guests_max",
  "allowed_models",
  "guest_models",
  "welcome_per_address_per_day_max",
]);

/** As much as no house means to give to everybody who signs up. */
const WELCOME_USD_MAX = 100n;

/** What to think over before a change: what it gives up of billing, or the slip that it looks like. */
export function caution({ setting: { name, none }, from, to }: Change): string | null {
  if (name === "usage_tracking" && to === "off") {
    return "usage_tracking off: users are served at your cost, unmetered, without any limit.";
  }
  if (name === "balance_enforcement" && to !== "enforce") {
    return `balance_enforcement ${to}: users without balance are served at your cost.`;
  }
  if (name === "welcome_credit" && parseUsd(`${to}`) > parseUsd(`${WELCOME_USD_MAX}`)) {
    return `welcome_credit ${to}: each new user is given ${to} USD. Was it meant in cents?`;
  }
  if (name === "daily_spend_per_user_max" && to === "0") {
    return `daily_spend_per_user_max 0: every request of a user is refused; none is ${none}.`;
  }
  if (LIMITS.has(name) && from !== null && to === null) return `${name} none: ${none}.`;
  return null;
}

/** A value as it is typed: `none` for none, lists joined by commas. */
export function textOf(value: SettingValue | undefined): string {
  if (value === null || value === undefined) return "none";
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.join(",");
  if (typeof value === "boolean") return value ? "on" : "off";
  return String(value);
}
