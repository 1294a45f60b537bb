/** Which models a sync looks at. Pure. */
import type { PriceRow } from "../../shared/credit/prices.ts";
import { BadArgument } from "../arguments.ts";
import type { Catalogue, CatalogueModel } from "./catalogue.ts";
import type { Candidate } from "./plan.ts";
import { namesOf, PRICED_PROVIDERS, splitName } from "./providers.ts";

export interface Choice {
  /** Providers whose whole list is added. */
  readonly provider: readonly string[];
  /** Models to add, `provider:model`. */
  readonly model: readonly string[];
  readonly all: boolean;
  /** Look at nothing but what is named, also of what is sold already. */
  readonly only: boolean;
}

/**
 * The models that are sold already, and those that `choice` adds. A provider's list is added without
 * what the catalogue calls deprecated, and without what has no price for input and output tokens;
 * `--model` adds anything by name.
 *
 * @throws BadArgument where nothing by a name can be added.
 */
export function candidatesOf(
  rows: readonly PriceRow[],
  catalogue: Catalogue,
  choice: Choice,
): Candidate[] {
  const byName = new Map<string, Candidate>();
  const isNamed = (row: PriceRow) =>
    choice.provider.includes(row.providerId) ||
    choice.model.includes(`${row.providerId}:${row.modelId}`);
  for (const row of choice.only ? rows.filter(isNamed) : rows) {
    const { providerId, modelId } = row;
    byName.set(`${providerId}:${modelId}`, { providerId, modelId, row });
  }
  const add = (providerId: string, modelId: string) => {
    const name = `${providerId}:${modelId}`;
    if (!byName.has(name)) byName.set(name, { providerId, modelId, row: null });
  };

  for (const name of choice.model) {
    const split = requireName(name);
    add(split.providerId, split.modelId);
  }
  for (const providerId of choice.all ? PRICED_PROVIDERS : choice.provider) {
    for (const modelId of listOf(catalogue, providerId)) add(providerId, modelId);
  }
  const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  return [...byName].sort(([a], [b]) => compare(a, b)).map(([, candidate]) => candidate);
}

/** The two halves of `provider:model`. @throws BadArgument where it is no such name. */
export function requireName(name: string): { providerId: string; modelId: string } {
  const split = splitName(name);
  if (split !== null) return split;
  throw new BadArgument(
    `A model is named provider:model, such as openai:gpt-4o; "${name}" is not.`,
  );
}

function listOf(catalogue: Catalogue, providerId: string): string[] {
  const { catalogue: theirs, sells } = namesOf(providerId);
  const provider = theirs === null ? undefined : catalogue.provider(theirs);
  if (provider === undefined) {
    throw new BadArgument(
      `The catalogue has no prices of ${providerId}. Set them with \`farebox prices set ` +
        `${providerId}:<model> --per million --input … --output …\`.`,
    );
  }
  return provider.models.filter((model) =>
    !model.deprecated && (sells?.test(model.id) ?? true) && isSoldByToken(model)
  ).map((model) => model.id);
}

/** Sounds by the hour, pages and embeddings are no chat. */
function isSoldByToken({ prices }: CatalogueModel): boolean {
  const lists = Array.isArray(prices) ? prices.map((entry) => entry.prices) : [prices];
  return lists.some((list) => "input_mtok" in list && "output_mtok" in list);
}
