/** Good answers, spoilt at random: no meter fails, no byte changes, no count is absurd. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { COUNTING_OF_DIALECT } from "../../shared/llm/counting_rules.ts";
import { meterBody } from "../../shared/llm/meter_body.ts";
import { meterChecked, sane, testDialects } from "./checked_meter.ts";
import { concat, cutAt, encode } from "./chunks.ts";
import { countingRules, dialectOf, listRecordings, readRecording } from "./recordings.ts";

const BOM = "\uFEFF";
/** Longer ones have nothing that these lack, and would take most of the time. */
const RECORDING_BYTES_MAX = 20_000;

/** Values that providers should not send where a count, a text, a list or an object belongs. */
const odd = fc.oneof(
  fc.constantFrom<unknown>(null, true, "", "9", -1, 0, 1.5, 1e9, 1e300, [], {}, [null], [[{}]]),
  fc.nat(1e8),
  fc.jsonValue({ maxDepth: 3 }),
);

/** The same JSON with the value at one of its places replaced. */
function spoil(value: unknown, places: readonly number[], by: unknown): unknown {
  const [place = 0, ...deeper] = places;
  if (typeof value !== "object" || value === null || places.length === 0) return by;
  const names = Object.keys(value);
  const name = names[place % Math.max(1, names.length)];
  if (name === undefined) return by;
  const child = spoil((value as Record<string, unknown>)[name], deeper, by);
  return Array.isArray(value)
    ? value.map((item, index) => String(index) === name ? child : item)
    : { ...value, [name]: child };
}

const places = fc.array(fc.nat(20), { minLength: 1, maxLength: 6 });

testDialects("any value anywhere in any event does no harm", (dialect, made) => {
  const events = [
    ...made.opening,
    made.content("Hello there"),
    made.report(made.usage),
    ...made.closing,
  ].join("").split("\n\n").filter((event) => event !== "");
  const spoilt = fc.array(fc.tuple(fc.nat(), places, odd), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(spoilt, (changes) => {
      const stream = [...events];
      for (const [at, where, by] of changes) {
        const index = at % stream.length;
        stream[index] = stream[index]!.replace(
          /\{.*\}/s,
          (json) => JSON.stringify(spoil(JSON.parse(json), where, by)) ?? "",
        );
      }
      meterChecked(dialect, [encode(stream.map((event) => `${event}\n\n`).join(""))]);
    }),
    { numRuns: 2000 },
  );
});

testDialects(
  "any value anywhere in a whole answer does no harm, nor any JSON at all",
  (dialect, made) => {
    const rules = COUNTING_OF_DIALECT[dialect.name];
    const good = made.whole("Hello", made.usage);
    fc.assert(
      fc.property(
        places,
        odd,
        (where, by) => void sane(dialect.readAnswer(spoil(good, where, by), rules)),
      ),
      { numRuns: 2000 },
    );
    fc.assert(fc.property(fc.jsonValue(), (value) => void sane(dialect.readAnswer(value, rules))));
    sane(dialect.readAnswer(JSON.parse("[".repeat(50_000) + "]".repeat(50_000)), rules));
  },
);

testDialects("events in any order, repeated and cut anywhere, do no harm", (dialect, made) => {
  const event = fc.oneof(
    fc.constantFrom(...made.opening, ...made.closing, made.report(made.usage), made.error("No.")),
    fc.string({ unit: "binary" }).map((text) => made.content(text)),
    fc.string().map((text) => `${text}\n\n`),
    fc.constantFrom(": keep-alive\n\n", "event: error\n", "data: \n\n", "\r", "\n", BOM, "id: 1\n"),
  );
  const cuts = fc.array(fc.nat(2000), { maxLength: 20 });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 12 }), cuts, (events, cuts) => {
      const bytes = encode(events.join(""));
      assertEquals(meterChecked(dialect, cutAt(bytes, cuts)), meterChecked(dialect, [bytes]));
    }),
    { numRuns: 500 },
  );
});

/** What can happen to bytes on their way, or at a provider that is broken. */
interface Damage {
  /** Where, counted round the bytes' end. */
  readonly at: number;
  /** How many bytes are left out, or come twice. */
  readonly length: number;
  readonly put: string;
  readonly repeat: boolean;
}

const damage: fc.Arbitrary<Damage> = fc.record({
  at: fc.nat(),
  length: fc.nat(40),
  put: fc.oneof(
    fc.constantFrom(
      "",
      "\n",
      "\r",
      "\r\n",
      "\n\n",
      "\r\r",
      BOM,
      "\0",
      "data: ",
      ":",
      "}",
      '"',
      "-",
      "9",
    ),
    fc.string(),
  ),
  repeat: fc.boolean(),
});

function damaged(bytes: Uint8Array, changes: readonly Damage[]): Uint8Array {
  let result = bytes;
  for (const { at, length, put, repeat } of changes) {
    const start = at % (result.length + 1);
    const rest = result.subarray(repeat ? Math.max(0, start - length) : start + length);
    result = concat([result.subarray(0, start), encode(put), rest]);
  }
  return result;
}

const recordings = (listRecordings() ?? []).filter((one) => dialectOf(one) !== undefined)
  .map((one) => ({ ...one, bytes: readRecording(one) }))
  .filter(({ bytes }) => bytes.length > 0 && bytes.length <= RECORDING_BYTES_MAX);

Deno.test({
  name: recordings.length > 0
    ? "recorded answers, damaged at random places and cut anywhere, do no harm"
    : "damaged recordings [no ../shared/recordings beside this checkout]",
  ignore: recordings.length === 0,
  fn() {
    for (const { bytes, streaming, ...recording } of recordings) {
      const dialect = dialectOf({ ...recording, streaming })!;
      const rules = countingRules({ ...recording, streaming });
      const changes = fc.array(damage, { minLength: 1, maxLength: 4 });
      const cuts = fc.array(fc.nat(bytes.length), { maxLength: 8 });
      fc.assert(
        fc.property(changes, cuts, (changes, cuts) => {
          const spoilt = damaged(bytes, changes);
          sane(meterBody(spoilt, dialect, rules).snapshot);
          if (streaming) meterChecked(dialect, cutAt(spoilt, cuts), { rules });
        }),
        { numRuns: 30 },
      );
    }
  },
});

Deno.test({
  name: recordings.length > 0
    ? "recorded answers with any value anywhere do no harm"
    : "spoilt recordings [no ../shared/recordings beside this checkout]",
  ignore: recordings.length === 0,
  fn() {
    for (const recording of recordings.filter((one) => !one.streaming)) {
      const dialect = dialectOf(recording)!;
      const rules = countingRules(recording);
      const answer = JSON.parse(new TextDecoder().decode(recording.bytes));
      fc.assert(
        fc.property(places, odd, (where, by) => {
          sane(dialect.readAnswer(spoil(answer, where, by), rules));
        }),
        { numRuns: 100 },
      );
    }
  },
});
