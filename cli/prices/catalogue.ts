/**
 * The catalogue of list prices: the package `@pydantic/genai-prices`, or a newer `data.json` of the
 * same project. Both have one form, and are parsed here, once.
 */
import { findProvider } from "@pydantic/genai-prices";
import * as z from "zod/mini";
import { BadArgument } from "../arguments.ts";
import { readJson } from "./read_json.ts";

/** The pinned package; a test holds it equal to deno.json. */
export const PACKAGE_VERSION = "0.1.8";

/** A rule for names of models. */
export type Match =
  | { or: Match[] }
  | { and: Match[] }
  | { equals: string }
  | { starts_with: string }
  | { ends_with: string }
  | { contains: string }
  | { regex: string };

const Match: z.ZodMiniType<Match> = z.lazy(() =>
  z.union([
    z.object({ or: z.array(Match) }),
    z.object({ and: z.array(Match) }),
    z.object({ equals: z.string() }),
    z.object({ starts_with: z.string() }),
    z.object({ ends_with: z.string() }),
    z.object({ contains: z.string() }),
    z.object({ regex: z.string() }),
  ])
);

const amount = z.number().check(z.gte(0));
const Price = z.union([
  amount,
  z.object({
    base: amount,
    tiers: z.array(z.object({ start: z.number().check(z.int(), z.gte(0)), price: amount })),
  }),
]);
/** USD per million tokens, or per thousand pieces; a tier is for the whole of a longer request. */
export type ListPrice = z.infer<typeof Price>;

const Prices = z.record(z.string(), z.optional(Price));
/** By the catalogue's keys, such as `input_mtok`. */
export type ListPrices = z.infer<typeof Prices>;

const Constraint = z.union([
  z.object({ start_date: z.iso.date() }),
  z.object({ start_time: z.string(), end_time: z.string() }),
]);
const Conditional = z.array(z.object({ constraint: z.nullish(Constraint), prices: Prices }));
/** Prices with the condition that they hold under; of several that hold the last one counts. */
export type ConditionalPrices = z.infer<typeof Conditional>;

const Model = z.object({
  id: z.string(),
  name: z.nullish(z.string()),
  match: Match,
  prices: z.union([Conditional, Prices]),
  context_window: z.nullish(z.number()),
  deprecated: z.nullish(z.boolean()),
});
export type CatalogueModel = z.infer<typeof Model>;

const Provider = z.object({
  id: z.string(),
  models: z.array(Model),
  fallback_model_providers: z.nullish(z.array(z.string())),
});
export type CatalogueProvider = z.infer<typeof Provider>;

export interface Catalogue {
  /** Written to `source` with each price, such as `genai-prices 0.1.8`. */
  readonly name: string;
  /** By the catalogue's own id. */
  provider(id: string): CatalogueProvider | undefined;
}

/** The pinned package, or the file or URL that stands in for it. */
export async function openCatalogue(place?: string): Promise<Catalogue> {
  if (place === undefined) return packagedCatalogue();
  const parsed = z.safeParse(z.array(Provider), await readJson("catalogue", place));
  if (!parsed.success) {
    const path = parsed.error.issues[0]?.path.join(".") ?? "";
    throw new BadArgument(
      `${place} is not a price catalogue of genai-prices: look at "${path}". It must be a list of ` +
        "providers with models, as in the project's prices/new_data/v2/data.json.",
    );
  }
  const byId = new Map(parsed.data.map((provider) => [provider.id, provider]));
  return { name: `catalogue ${place}`.slice(0, 200), provider: (id) => byId.get(id) };
}

function packagedCatalogue(): Catalogue {
  const known = new Map<string, CatalogueProvider | undefined>();
  const read = (id: string) => {
    const found = findProvider({ providerId: id });
    // The package also finds by likeness; a price must come from the very provider.
    return found?.id === id ? z.parse(Provider, found) : undefined;
  };
  return {
    name: `genai-prices ${PACKAGE_VERSION}`,
    provider(id) {
      if (!known.has(id)) known.set(id, read(id));
      return known.get(id);
    },
  };
}

/**
 * The catalogue's model for a name: of that very id, else the first whose rule takes the name in, as
 * the package itself looks models up. Azure's resold models are also found at their makers.
 */
export function findModel(
  catalogue: Catalogue,
  providerId: string,
  modelId: string,
): CatalogueModel | undefined {
  const provider = catalogue.provider(providerId);
  if (provider === undefined) return undefined;
  const lists = [
    provider.models,
    ...(provider.fallback_model_providers ?? []).map((id) => catalogue.provider(id)?.models ?? []),
  ];
  for (const models of lists) {
    const found = models.find((model) => model.id === modelId) ??
      models.find((model) => matches(model.match, modelId.toLowerCase()));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `name` in lower case. */
function matches(match: Match, name: string): boolean {
  if ("or" in match) return match.or.some((part) => matches(part, name));
  if ("and" in match) return match.and.every((part) => matches(part, name));
  if ("equals" in match) return name === match.equals.toLowerCase();
  if ("starts_with" in match) return name.startsWith(match.starts_with.toLowerCase());
  if ("ends_with" in match) return name.endsWith(match.ends_with.toLowerCase());
  if ("contains" in match) return name.includes(match.contains.toLowerCase());
  return new RegExp(match.regex).test(name);
}
