/** What was typed, as the ledger takes it. */
import { formatUsd, parseUsd } from "../../shared/pricing/money.ts";
import { BadArgument } from "../arguments.ts";
import { AMOUNT_MAX, type Setting, SETTINGS, type SettingValue } from "./catalogue.ts";

/** Throws {@link BadArgument} unless there is such a setting. */
export function requireSetting(name: string): Setting {
  const found = SETTINGS.find((setting) => setting.name === name);
  if (found !== undefined) return found;
  const similar = SETTINGS.map((setting) => setting.name)
    .filter((known) => name.split("_").some((part) => part.length > 3 && known.includes(part)));
  throw new BadArgument(
    `There is no setting "${name}". ` +
      (similar.length > 0 ? `Did you mean ${similar.join(", ")}? ` : "") +
      "`farebox settings` lists them all.",
  );
}

/**
 * Reads `<name> <value>` pairs.
 * @throws {BadArgument} naming what a setting takes.
 */
export function readChanges(pairs: readonly string[]): Map<Setting, SettingValue> {
  const changes = new Map<Setting, SettingValue>();
  for (let i = 0; i < pairs.length; i += 2) {
    const setting = requireSetting(pairs[i]!);
    const text = pairs[i + 1];
    if (text === undefined) {
      throw new BadArgument(`${setting.name} has no value: ${takes(setting)}`);
    }
    if (changes.has(setting)) throw new BadArgument(`${setting.name} is named twice.`);
    changes.set(setting, readValue(setting, text.trim()));
  }
  return changes;
}

function readValue(setting: Setting, text: string): SettingValue {
  if (text === "none" && setting.none !== undefined) {
    return Array.isArray(setting.default) ? [] : null;
  }
  const value = parse(setting, text);
  if (value !== undefined) return value;
  throw new BadArgument(`${setting.name} cannot be "${text}": ${takes(setting)}`);
}

/** Undefined for what the setting does not take. */
function parse({ takes }: Setting, text: string): SettingValue | undefined {
  switch (takes.kind) {
    case "amount":
      return /^\d{1,10}(\.\d{1,10})?$/.test(text) && parseUsd(text) <= parseUsd(AMOUNT_MAX)
        ? formatUsd(parseUsd(text))
        : undefined;
    case "count":
      return /^(0|[1-9]\d{0,8})$/.test(text) && Number(text) >= takes.min &&
          Number(text) <= takes.max
        ? Number(text)
        : undefined;
    case "choice":
      return takes.choices.includes(text) ? text : undefined;
    case "yes_no":
      return text === "on" ? true : text === "off" ? false : undefined;
    case "list": {
      const items = text.split(",").map((item) => item.trim()).filter((item) => item !== "");
      return items.length > 0 && items.every((item) => ITEM[takes.of].test(item))
        ? [...new Set(items)]
        : undefined;
    }
  }
}

const ITEM = {
  model: /^[a-z0-9_-]+:(\*|[^\s*]+)$/,
  origin: /^(\*|https?:\/\/[^\s,/]+)$/,
  domain: /^[^\s@,]+\.[^\s@,]+$/,
};

const ITEMS = {
  model: "models, provider:model or provider:* each",
  origin: "origins like https://app.example, or *",
  domain: "domains like mail.example",
};

/** A sentence: what the setting takes. */
function takes({ takes, none }: Setting): string {
  const orNone = none === undefined ? "" : `, or none (${none})`;
  switch (takes.kind) {
    case "amount":
      return "it takes a plain number of USD with at most 10 decimals after a point, such as 5 or " +
        `0.25, up to ${AMOUNT_MAX}${orNone}.`;
    case "count":
      return `it takes a whole number from ${takes.min} to ${takes.max}${orNone}.`;
    case "choice":
      return `it takes ${takes.choices.join(" or ")}.`;
    case "yes_no":
      return "it takes on or off.";
    case "list":
      return `it takes ${ITEMS[takes.of]}, joined by commas${orNone}.`;
  }
}
