/** What a request may cost beyond its text. */
import type { Price } from "../pricing/price.ts";
import type { ModelRequest, PricedFeature } from "./dialect.ts";
import { modelName } from "../pricing/price.ts";

const PRICE_OF: Record<PricedFeature, (price: Price) => unknown> = {
  input_audio: (price) => price.media.input_audio,
  output_audio: (price) => price.media.output_audio,
  output_image: (price) => price.media.output_image,
  web_search: (price) => price.webSearchFee,
};

const WORDS: Record<PricedFeature, string> = {
  input_audio: "sound in the prompt",
  output_audio: "spoken answers",
  output_image: "images in the answer",
  web_search: "web searches",
};

/**
 * Why a request cannot be sold with this model: it asks for what needs a price of its own, and the
 * model has none. `null` where it can be.
 */
export function unpricedFeature(
  request: Pick<ModelRequest, "features">,
  price: Price,
): string | null {
  const feature = request.features.find((name) => PRICE_OF[name](price) === null);
  return feature === undefined
    ? null
    : `There is no price for ${WORDS[feature]} with ${modelName(price)}, so it cannot be ` +
      "sold here. Leave it out, or use a model that has one.";
}

/**
 * Whether sound or images may be in the prompt or in the answer: asked for, in what cannot be looked
 * into, or unasked, as where a model that draws is not told to answer in text.
 */
export function mayHaveMedia(
  request: Pick<ModelRequest, "features" | "hidesInput">,
  prices: readonly Price[],
): boolean {
  return request.hidesInput || request.features.some((feature) => feature !== "web_search") ||
    prices.some(({ media }) => media.input_image !== null || media.output_image !== null);
}
