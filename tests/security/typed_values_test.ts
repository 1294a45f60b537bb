/** What an operator types or sets is read exactly, or refused in words that do not repeat a secret. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { BadArgument, requireAmount, requireCount, requireTime } from "../../cli/arguments.ts";
import { SETTINGS } from "../../cli/settings/catalogue.ts";
import { readChanges } from "../../cli/settings/read_value.ts";
import { EnvError, readEnv } from "../../shared/edge/env.ts";
import { parseUsd } from "../../shared/pricing/money.ts";

/** What `read` makes of a text, or undefined where it is refused as something typed wrongly. */
function readOr<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof BadArgument) return undefined;
    throw error;
  }
}

const typed = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: fc.constantFrom(..."0123456789.,-+eE_ $%TZ:xn\u0660\u202e\0\n") }),
  fc.constantFrom(
    "1e400",
    "0x10",
    "Infinity",
    "NaN",
    "1_000",
    "١٢",
    "--5",
    "5.",
    ".5",
    "-0",
    "0.0",
  ),
);

Deno.test("an amount that is taken is the very number that was typed, and never nothing", () => {
  const good = fc.tuple(fc.integer({ min: 0, max: 999_999 }), fc.integer({ min: 1, max: 10 ** 9 }))
    .map(([whole, part]) => `${whole}.${String(part).padStart(10, "0")}`);
  fc.assert(
    fc.property(fc.oneof(typed, good), fc.boolean(), (text, mayBeNegative) => {
      if (readOr(() => (requireAmount(text, mayBeNegative), true)) === undefined) return;
      assert(/^-?\d+(\.\d+)?$/.test(text), text);
      const amount = parseUsd(text);
      assert(amount !== 0n && (mayBeNegative || amount > 0n), text);
      assertEquals(Math.abs(Number(amount) / 1e10 - Number(text)) < 1e-6, true, text);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("counts and times that are taken are what was typed", () => {
  const days = fc.date({
    min: new Date("1990-01-01"),
    max: new Date("2090-01-01"),
    noInvalidDate: true,
  })
    .map((day) => day.toISOString().slice(0, 10));
  fc.assert(
    fc.property(fc.oneof(typed, days), (text) => {
      const count = readOr(() => requireCount("--limit", text, 1, 200));
      if (count !== undefined) {
        assertEquals([count >= 1 && count <= 200, Number(text)], [true, count]);
      }
      const time = readOr(() => requireTime("--from", text));
      if (time !== undefined) assertEquals(time.toISOString().slice(0, 4).length, 4);
      if (/^\d{4}-\d\d-\d\d$/.test(text) && time) assert(time.toISOString().startsWith(text));
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("a setting takes a value of its kind or refuses it, whatever is typed", () => {
  const names = fc.constantFrom(...SETTINGS.map(({ name }) => name), "__proto__", "constructor");
  fc.assert(
    fc.property(fc.array(fc.tuple(names, typed), { maxLength: 3 }), (pairs) => {
      const changes = readOr(() => readChanges(pairs.flat()));
      for (const [setting, value] of changes ?? []) {
        assert(SETTINGS.includes(setting));
        if (typeof value === "number") {
          assert(Number.isSafeInteger(value) && value >= 0, `${value}`);
        }
        if (setting.takes.kind === "amount" && value !== null) parseUsd(String(value));
      }
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("an environment is read or refused with all its slips, and no value of it is ever repeated", () => {
  const names = [
    ...["SUPABASE_URL", "SUPABASE_SECRET_KEYS", "SUPABASE_PUBLISHABLE_KEYS", "SUPABASE_JWKS"],
    ...["GUEST_TOKEN_SECRET", "MAX_BODY_BYTES", "CORS_ALLOWED_ORIGINS", "CLIENT_ADDRESS_HEADER"],
    ...["BEFORE_USER_CREATED_HOOK_SECRET", "OPENAI_BASE_URL", "ALERT_WEBHOOK_URL"],
    ...["ALERT_WEBHOOK_SECRET"],
  ];
  const GOOD: Record<string, string> = {
    SUPABASE_URL: "https://abcdefghij.supabase.co",
    SUPABASE_SECRET_KEYS: '{"default":"sb_secret_of_the_house"}',
    SUPABASE_PUBLISHABLE_KEYS: '{"default":"sb_publishable_of_the_house"}',
  };
  const marked = fc.constantFrom(
    ...[
      "",
      "javascript:",
      "file:///",
      '{"default":"',
      "v1,whsec_",
      "whsec_",
      "http://",
      "https://x:",
    ],
  ).map((start) => `${start}MARKED-SECRET-VALUE!`);
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), marked), (changes) => {
      const variables: Record<string, string> = { ...GOOD, ...changes };
      try {
        const env = readEnv((name) => variables[name]);
        const { baseUrl } = env.provider("openai");
        env.webhook("ALERT");
        assert(baseUrl === undefined || /^https?:\/\//.test(baseUrl), baseUrl);
      } catch (error) {
        if (!(error instanceof EnvError)) throw error;
        assert(!error.message.includes("MARKED"), error.message);
      }
    }),
    { numRuns: 500 },
  );
});
