/**
 * Whatever a body says, in whichever dialect: it is refused, or what goes upstream asks for one
 * answer of no more tokens than are held for.
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { boundJson } from "../../shared/edge/json_bounds.ts";
import type { Dialect, RequestTarget } from "../../shared/llm/dialect.ts";
import { DIALECTS } from "../../shared/llm/dialects.ts";

const LIMIT = 50;

/** The names in which some provider reads a limit, a number of answers, or what is billed apart. */
const FIELDS = [
  ...["max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens", "MAX_TOKENS"],
  ...["n", "N", "best_of", "candidateCount", "candidate_count", "n_predict", "num_predict"],
  ...["stream", "stream_options", "model", "models", "tools", "service_tier", "background"],
  ...["generationConfig", "generation_config", "thinking", "reasoning", "options", "__proto__"],
  ...["constructor", "toString", "prediction", "plugins", "provider", "store", "modalities"],
];
const HARMLESS: Readonly<Record<string, unknown>> = {
  model: "m",
  max_tokens: 20,
  messages: [{ role: "user", content: "Hi" }],
  input: "Hi",
  contents: [{ role: "user", parts: [{ text: "Hi" }] }],
};

const values = fc.oneof(
  fc.constantFrom(...[0, 1, 2, -1, 1.5, 1e9, 1e300, "1", "1e400", true, false, null, [], {}, [1]]),
  fc.constantFrom([{ type: "web_search" }], { include_usage: true }, { n: 5 }, { mode: "on" }),
  fc.jsonValue({ maxDepth: 2 }),
  fc.dictionary(fc.constantFrom(...FIELDS), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 }),
);
const bodies = fc.dictionary(
  fc.oneof(fc.constantFrom(...FIELDS), fc.string()),
  values,
  { maxKeys: 5, noNullPrototype: true },
);

const TARGET: RequestTarget = { model: "m", stream: false, method: "generateContent" };

/** As the provider will read it: through JSON. */
function upstreamOf(dialect: Dialect, text: string): Record<string, unknown> | null {
  const request = dialect.readRequest(
    JSON.parse(text),
    dialect.name === "gemini" ? TARGET : undefined,
  );
  if (request.kind === "fault") return null;
  const { body } = dialect.rewriteRequest(
    request,
    {
      model: "m",
      outputTokensLimit: LIMIT,
      usageSwitch: null,
      outputLimitFields: [],
    } as unknown as Parameters<Dialect["rewriteRequest"]>[1],
  );
  return JSON.parse(JSON.stringify(body));
}

/** Where each dialect's providers read how many answers, and how long each may be. */
const READ: Readonly<Record<string, { in?: string; answers: string[]; limits: string[] }>> = {
  "openai-chat": {
    answers: ["n", "best_of"],
    limits: ["max_tokens", "max_completion_tokens", "n_predict", "num_predict"],
  },
  "openai-responses": { answers: [], limits: ["max_output_tokens"] },
  "anthropic-messages": { answers: [], limits: ["max_tokens"] },
  "gemini": {
    in: "generationConfig",
    answers: ["candidateCount", "candidate_count"],
    limits: ["maxOutputTokens", "max_output_tokens"],
  },
};

/** What a body says under the names, in whatever capitals: servers written in Go read them all. */
function under(body: Record<string, unknown>, names: readonly string[], at?: string): unknown[] {
  const places = at === undefined ? [body] : [body[at], body.generation_config];
  return places.flatMap((place) => Object.entries(place ?? {}))
    .filter(([name]) => names.includes(name) || names.includes(name.toLowerCase()))
    .map(([, value]) => value).filter((value) => value !== null && value !== undefined);
}

for (const dialect of DIALECTS.values()) {
  Deno.test(`${dialect.name}: whatever a body says, one answer within the limit is asked for, or none`, () => {
    let accepted = 0;
    fc.assert(
      fc.property(bodies, (fields) => {
        const text = JSON.stringify({ ...HARMLESS, ...fields });
        const upstream = upstreamOf(dialect, text);
        if (upstream === null) return;
        accepted++;
        assertEquals(upstream.model ?? "m", "m");
        const read = READ[dialect.name]!;
        for (const count of under(upstream, read.answers, read.in)) assertEquals(count, 1, text);
        for (const limit of under(upstream, read.limits, read.in)) {
          assert(Number.isInteger(limit) && Number(limit) > 0 && Number(limit) <= LIMIT, text);
        }
      }),
      { numRuns: 1_500 },
    );
    assert(accepted > 100, `${accepted} were accepted`);
  });
}

Deno.test("a body of too many or too deep values is refused before it is parsed, and no other", () => {
  const hostile = fc.oneof(
    fc.constantFrom("[", "{", '{"a":', "[1,", '"\\', '"', ",", "]", "}", "[]", "{}", '{"":[', "\\"),
    fc.string({ maxLength: 5 }),
  );
  fc.assert(
    fc.property(fc.array(hostile, { maxLength: 400 }), fc.boolean(), (parts, times) => {
      const text = parts.join("").repeat(times ? 50 : 1);
      const refused = boundJson(text) !== null;
      let parsed: unknown;
      try {
        parsed = JSON.parse(text);
      } catch {
        return;
      }
      assertEquals(refused, depthOf(parsed) > 100);
    }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.boolean(), (levels, isObject) => {
      const text = isObject
        ? `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`
        : `${"[".repeat(levels)}${"]".repeat(levels)}`;
      assertEquals(boundJson(text) !== null, levels > 100);
    }),
  );
});

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}
