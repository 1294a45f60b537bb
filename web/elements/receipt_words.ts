/** What a receipt says, in words. A word that is not known here is shown as it came. */

const CLASSES: Readonly<Record<string, string>> = {
  input: "Input",
  input_audio: "Input, sound",
  input_image: "Input, images",
  cache_read: "Input, read from the cache",
  cache_read_audio: "Sound, read from the cache",
  cache_write_5m: "Input, written to the cache for 5 minutes",
  cache_write_1h: "Input, written to the cache for 1 hour",
  output: "Output",
  output_audio: "Output, sound",
  output_image: "Output, images",
  web_search: "Web searches",
};

const FLAGS: Readonly<Record<string, string>> = {
  unreadable: "A part of the answer could not be read.",
  oversized: "A part of the answer was too long to be read.",
  usage_unreadable: "The provider's counts could not be read.",
  negative_count: "A negative count was charged as zero.",
  cached_exceeds_prompt: "More was cached than asked: the cache was counted beside the input.",
  cache_overlap: "Cache reads and writes overlap: reads were counted first.",
  reasoning_exceeds_output: "More reasoning than output was reported: charged as reported.",
  counted_by_total: "Counted so that it fits the provider's total.",
  total_mismatch: "The provider's total does not fit its parts: the parts were charged.",
  media_exceeds_class: "More sound or images than tokens were reported: cut to those.",
  cache_split_stale: "Cache writes did not add up: the rest was taken as 5 minutes.",
  unpriced_tool: "A tool without a price here was used: it was not charged.",
  unpriced_tier: "A dearer tier than the price's was used: the price here was charged.",
  meter_fault: "The meter failed on a part of the answer.",
};

export const classWords = (name: string): string => CLASSES[name] ?? name;
export const flagWords = (flag: string): string => FLAGS[flag] ?? flag;

/** Of 10,000: `1550` is `15.5%`. */
export function percentText(basisPoints: number): string {
  const hundredths = String(basisPoints % 100).padStart(2, "0").replace(/0+$/, "");
  return `${Math.trunc(basisPoints / 100)}${hundredths && `.${hundredths}`}%`;
}
