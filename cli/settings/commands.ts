/** `farebox settings`, `settings get`, `settings set`. Each answers its exit code. */
import * as z from "zod/mini";
import { BadArgument } from "../arguments.ts";
import { isConfirmed } from "../confirm.ts";
import { accepted } from "../ledger_answers.ts";
import { type Cell, stdoutPaint, table } from "../table.ts";
import type { Target } from "../target.ts";
import { type Setting, SETTINGS, type Settings, type SettingValue } from "./catalogue.ts";
import { caution, type Change, changesTo, textOf } from "./changes.ts";
import { readChanges, requireSetting } from "./read_value.ts";

const Value = z.nullable(
  z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]),
);
const SettingsAnswer = z.record(z.string(), Value);
const WriteAnswer = z.object({
  changed: z.record(z.string(), z.object({ from: Value, to: Value })),
});

/** Every setting, with its default and what it means. */
export async function list(target: Target): Promise<number> {
  const now = await read(target);
  if (target.json) {
    console.log(JSON.stringify(now));
    return 0;
  }
  const known = new Set(SETTINGS.map(({ name }) => name));
  const rows = SETTINGS.filter(({ name }) => name in now).map((setting): Cell[] => {
    const [value, initial] = [textOf(now[setting.name]), textOf(setting.default)];
    return [
      setting.name,
      value === initial ? value : ["yellow", value],
      initial,
      setting.meaning + (setting.none === undefined ? "" : ` (none: ${setting.none})`),
    ];
  });
  // A newer project can have more than this tool knows.
  const others = Object.keys(now).filter((name) => !known.has(name))
    .map((name): Cell[] => [name, textOf(now[name]), "", ""]);
  console.log(`Settings of ${target.url}\n`);
  const titles = ["SETTING", "VALUE", "DEFAULT", "MEANING"].map((title) => ({ title }));
  for (const line of table(titles, [...rows, ...others], stdoutPaint())) console.log(line);
  return 0;
}

/** One value, for scripts and people alike. */
export async function get(target: Target, name: string): Promise<number> {
  const { default: initial, meaning } = requireSetting(name);
  const value = (await read(target))[name] ?? null;
  console.log(
    target.json ? JSON.stringify({ name, value, default: initial, meaning }) : textOf(value),
  );
  return 0;
}

/** Changes settings, all or none, after showing from what to what. */
export async function set(
  target: Target,
  pairs: readonly string[],
  options: { dryRun: boolean; yes: boolean },
): Promise<number> {
  const wanted = readChanges(pairs);
  const changes = changesTo(wanted, await read(target));
  await requireKnownModels(target, wanted);
  const warnings = changes.map(caution).filter((warning) => warning !== null);
  if (!target.json) tell(target, changes);
  for (const warning of warnings) console.error(`! ${warning}`);
  if (changes.length === 0 || options.dryRun) {
    say(target, changes.length === 0 ? "✓ It is so already." : "A dry run: nothing was changed.");
    if (target.json) printJson(options.dryRun, asChanged(changes));
    return 0;
  }
  if (warnings.length > 0) {
    if (!isConfirmed(target, options, `Change that at ${target.url}?`)) {
      console.error("Nothing was changed.");
      return 1;
    }
  }
  const { changed } = await target.call("settings_write", {
    p_changes: Object.fromEntries(changes.map(({ setting, to }) => [setting.name, to])),
  }, WriteAnswer);
  if (target.json) printJson(false, changed);
  say(target, `✓ Changed. ${whenCounted(changes)}`);
  return 0;
}

async function read(target: Target): Promise<Settings> {
  return await target.call("settings_read", {}, SettingsAnswer);
}

function say(target: Target, text: string): void {
  if (!target.json) console.log(text);
}

function printJson(dryRun: boolean, changed: unknown): void {
  console.log(JSON.stringify({ dry_run: dryRun, changed }));
}

function asChanged(changes: readonly Change[]): Record<string, unknown> {
  return Object.fromEntries(changes.map(({ setting, from, to }) => [setting.name, { from, to }]));
}

function tell(target: Target, changes: readonly Change[]): void {
  if (changes.length === 0) return;
  console.log(`Settings of ${target.url}\n`);
  const columns = ["SETTING", "FROM", "TO"].map((title) => ({ title }));
  const rows = changes.map(({ setting, from, to }) => [setting.name, textOf(from), textOf(to)]);
  for (const line of table(columns, rows, stdoutPaint())) console.log(line);
  console.log("");
}

/** What the functions keep themselves: the rest is asked of SQL at each request. */
const KEPT = new Set([
  ...["cors_allowed_origins", "save_chat_history", "own_stored_items_only"],
  "early_start_loss_per_day_max",
]);

function whenCounted(changes: readonly Change[]): string {
  const kept = changes.map(({ setting }) => setting.name).filter((name) => KEPT.has(name));
  if (kept.length === 0) return "It counts from the next request on.";
  return `${kept.join(" and ")} within about 5 s` +
    (kept.length < changes.length ? ", the rest from the next request on." : ".");
}

/** A list in which a name is misspelled would keep everybody from the model that was meant. */
async function requireKnownModels(
  target: Target,
  wanted: ReadonlyMap<Setting, SettingValue>,
): Promise<void> {
  const listed = [...wanted].flatMap(([{ takes }, value]) =>
    takes.kind === "list" && takes.of === "model" && Array.isArray(value) ? value : []
  );
  if (listed.length === 0) return;
  const priced = accepted(await target.prices.list());
  const unknown = listed.filter((name) =>
    !priced.some(({ providerId, modelId }) =>
      name === `${providerId}:${modelId}` || name === `${providerId}:*`
    )
  );
  if (unknown.length === 0) return;
  throw new BadArgument(
    `${unknown.join(", ")}: no such model has a price here. \`farebox prices list\` names them.`,
  );
}
