/** How a charge was counted, in words. What is not known here is shown as it came. */

/** In a word, and in a sentence. */
const BASES: Readonly<Record<string, readonly [string, string]>> = {
  reported: ["Reported", "As the provider reported"],
  estimated: [
    "Estimated",
    "Estimated from what was received, for the provider reported nothing",
  ],
  checkpoint: ["So far", "As far as the answer was known to have come before it broke off"],
};

export const basisWord = (basis: string): string => BASES[basis]?.[0] ?? basis;
export const basisMeaning = (basis: string): string => BASES[basis]?.[1] ?? basis;
