import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { BadArgument } from "../../cli/arguments.ts";
import { readLog } from "../../cli/backfill/log_entries.ts";
import type { LogEntry } from "../../cli/backfill/log_entry.ts";
import { readUsage, timeOf } from "../../cli/backfill/usage_line.ts";
import { formatLine, LOG } from "../../shared/edge/log.ts";

const AT = "2026-11-20T10:00:00.000Z";
const REQUEST = "0c8c52ab-7e5d-4f10-9b0e-5f5a1f0f7a01";
const USAGE = {
  request_id: REQUEST,
  user_id: "0c8c52ab-7e5d-4f10-9b0e-5f5a1f0f7a02",
  chat_id: null,
  model: "openai:gpt-4o",
  tokens: { input: 100, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0, output: 90 },
  basis: "reported",
  provider_request_id: 'with "quotes", a comma and a \\',
  finish: "stop",
  first_token_ms: 1,
  duration_ms: 2,
  at: AT,
  reason: "no_reservation",
  unsettled: true,
};
const LINE = formatLine(LOG.deductionFailed, USAGE);
const OPTIONS = { recorded: false, at: null };

/** The text as bytes, in chunks of so many. */
function bytesOf(text: string | Uint8Array, chunkBytes = 7): ReadableStream<Uint8Array> {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at += chunkBytes));
    },
  });
}

async function entriesOf(text: string | Uint8Array, chunkBytes?: number): Promise<LogEntry[]> {
  return await Array.fromAsync(readLog(bytesOf(text, chunkBytes)));
}

/** What is read of a log: the kinds of its entries, and the usages. */
async function read(text: string | Uint8Array, options = OPTIONS, chunkBytes?: number) {
  const readings = (await entriesOf(text, chunkBytes)).map((entry) => readUsage(entry, options));
  return {
    kinds: readings.map(({ kind }) => kind),
    usages: readings.flatMap((reading) => reading.kind === "usage" ? [reading.usage] : []),
  };
}

const { reason: _, unsettled: __, ...EXPECTED } = USAGE;
const MESSAGE = `${LINE}\n`;
const OTHER = "Released: {}";

const FORMS: Record<string, [text: string, lines: number[]]> = {
  "plain lines, with Windows' ends and something before and after": [
    `booted\r\n2026-11-20 [chat-proxy] ${LINE} \x1b[0m\r\n${OTHER}`,
    [1, 2, 3],
  ],
  "JSON lines with event_message": [
    [{ id: 1, event_message: OTHER }, { event_message: MESSAGE, timestamp: 1 }]
      .map((row) => JSON.stringify(row)).join("\n"),
    [1, 2],
  ],
  "a container's JSON lines": [
    `${JSON.stringify({ log: MESSAGE, stream: "stderr", time: AT })}\n`,
    [1],
  ],
  "a JSON array on one line": [
    JSON.stringify([{ event_message: OTHER }, { event_message: MESSAGE, metadata: [{ a: {} }] }]),
    [1, 1],
  ],
  "a JSON array over many lines": [
    JSON.stringify([{ message: MESSAGE }, { message: OTHER }], null, 2),
    [2, 5],
  ],
  "the log explorer's API": [
    JSON.stringify({ result: [{ event_message: MESSAGE, metadata: null }], error: null }),
    [1],
  ],
  "CSV with quoted fields and lines within them": [
    `timestamp,event_message,id\n1,"one\ntwo",a\n${AT},"${MESSAGE.replaceAll('"', '""')}",b\n`,
    [2, 3],
  ],
  "CSV with a quoted head and other columns": [
    `"id","event_message"\r\n"a","${LINE.replaceAll('"', '""')}"\r\n`,
    [2],
  ],
};

for (const [form, [text, lines]] of Object.entries(FORMS)) {
  Deno.test(`${form}: the usage is read as it was written, wherever the bytes are cut`, async () => {
    for (const chunkBytes of [1, 13, 100_000]) {
      const entries = await entriesOf(text, chunkBytes);
      assertEquals(entries.map(({ line }) => line), lines);
      const { kinds, usages } = await read(text, OPTIONS, chunkBytes);
      assertEquals(kinds.filter((kind) => kind === "unreadable"), []);
      assertEquals(usages.length, 1);
      assertEquals({ ...usages[0] }, EXPECTED as typeof usages[0]);
    }
  });
}

Deno.test("a log that is packed with gzip, or is UTF-16 as a Windows shell writes it, is read too", async () => {
  const packed = new Uint8Array(
    await new Response(
      new Response(MESSAGE).body!.pipeThrough(new CompressionStream("gzip")),
    ).arrayBuffer(),
  );
  assertEquals((await read(packed, OPTIONS, 1_000)).usages.length, 1);
  const wide = new Uint8Array(2 + MESSAGE.length * 2);
  wide.set([0xff, 0xfe]);
  for (let i = 0; i < MESSAGE.length; i++) wide[2 + i * 2] = MESSAGE.charCodeAt(i);
  assertEquals((await read(wide, OPTIONS, 1_000)).usages.length, 1);
  await assertRejects(
    () => read(packed.slice(0, -20), OPTIONS, 1_000),
    BadArgument,
    "Cannot unpack the log",
  );
});

Deno.test("only lines that say unsettled count, and with --recorded also what was recorded", async () => {
  const settled = { ...USAGE, unsettled: undefined, cost: "0.1" };
  const log = [
    formatLine(LOG.usageRecorded, settled),
    formatLine(LOG.deductionFailed, {
      request_id: REQUEST,
      reason: "balance_too_low",
      uncollected: "1",
    }),
    formatLine("Settling is retried", USAGE),
    formatLine("Settling takes long", USAGE),
    "Failed to deduct balance, says a comment",
    "",
    "{}",
    "[",
  ].join("\n");
  const kinds = (recorded: boolean) =>
    read(log, { recorded, at: null }).then(({ kinds }) => kinds.slice(0, 5));
  assertEquals(await kinds(false), ["ignored", "ignored", "usage", "usage", "ignored"]);
  assertEquals(await kinds(true), ["usage", "ignored", "usage", "usage", "ignored"]);
});

Deno.test("the order of JSON, and of arrays that are empty or cut, is nobody's end", async () => {
  assertEquals(await entriesOf("[]"), []);
  assertEquals(await entriesOf(""), []);
  const cut = JSON.stringify([{ event_message: MESSAGE }, { event_message: MESSAGE }]);
  assertEquals((await read(cut.slice(0, -40))).kinds, ["usage", "unreadable"]);
  const endless = `[{"event_message":"${"x".repeat(3_000_000)}`;
  assertEquals((await entriesOf(endless, 65_536)).map(({ text }) => text.length), [1_000_000]);
});

Deno.test("a line with the marker that cannot be read is named with what is wrong of it", () => {
  const wrong = (text: string, options = OPTIONS) => {
    const reading = readUsage({ text, time: null, line: 1 }, options);
    return reading.kind === "unreadable" ? reading.reason : reading.kind;
  };
  const withFields = (fields: Record<string, unknown>) =>
    wrong(formatLine(LOG.deductionFailed, fields));
  const long = formatLine(LOG.deductionFailed, { ...USAGE, chat_id: "x".repeat(20_000) });
  assertEquals(long.length, 10_000);
  assertMatch(wrong(long), /^it is cut off, or garbled, after 9974 characters$/);
  assertEquals(
    wrong(LINE.replace('"user_id":', "user_id:")),
    "what follows its message is no JSON",
  );
  for (
    const [change, reason] of [
      [{ request_id: "nobody" }, 'its request_id is "nobody"'],
      [{ user_id: undefined }, "its user_id is missing"],
      [{ tokens: { ...USAGE.tokens, output: -1 } }, "its tokens.output is -1"],
      [{ tokens: { ...USAGE.tokens, output: 1.5 } }, "its tokens.output is 1.5"],
      [{ tokens: { ...USAGE.tokens, input: 3e9 } }, "its tokens.input is 3000000000"],
      [{ basis: "guessed" }, 'its basis is "guessed"'],
      [{ model: "gpt-4o" }, 'its model is "gpt-4o"'],
      [{ provider_cost: "1e9" }, 'its provider_cost is "1e9"'],
      [{ at: "yesterday" }, 'its time is "yesterday"'],
      [
        {
          media: {
            input_audio: 101,
            input_image: 0,
            cache_read_audio: 0,
            output_audio: 0,
            output_image: 0,
          },
        },
        "its sound and images are more than the class that they are inside of",
      ],
    ] as const
  ) assertEquals(withFields({ ...USAGE, ...change }), reason);
});

Deno.test("a line without a time has that of its export, else --at, else is unreadable", () => {
  const text = formatLine(LOG.deductionFailed, { ...USAGE, at: undefined });
  const reading = (time: string | number | null, at: string | null) =>
    readUsage({ text, time, line: 1 }, { recorded: false, at });
  const atOf = (time: string | number | null, at: string | null = null) => {
    const one = reading(time, at);
    return one.kind === "usage" ? one.usage.at : one.kind;
  };
  const ms = Date.parse(AT);
  for (const time of [AT, ms, ms * 1_000, ms * 1e6, ms / 1_000, `${ms * 1_000}`]) {
    assertEquals(atOf(time), AT, `${time}`);
  }
  assertEquals(timeOf("2026-11-20 10:00:00"), AT);
  assertEquals(timeOf("2026-11-20T11:00:00.000+01:00"), AT);
  assertEquals(atOf(null, AT), AT);
  assertEquals(atOf(null), "unreadable");
  for (const time of [0, -1, 5, "soon", true, null]) assertEquals(timeOf(time), null, `${time}`);
});

Deno.test("a line of another function that only tells of such a message is passed over; one after times, levels and tags is read", async () => {
  const before = [
    "my-app: user says: ",
    "[chat] ",
    "web-1  | ",
    "2026-11-20T10:00:00Z my-app ",
    '{"said":"',
    "x",
  ];
  for (const prefix of before) assertEquals((await read(prefix + LINE)).usages, [], prefix);
  for (
    const prefix of [
      "",
      "[functions] ",
      "[Error] ",
      "supabase_edge_runtime_app  | ",
      "functions-1  | 2026-11-20T10:00:00.000Z error: ",
      "2026-11-20 10:00:00,123 [chat-proxy] ",
    ]
  ) assertEquals((await read(prefix + LINE)).usages.length, 1, prefix);
});

Deno.test("usage beyond what any model has is not believed", async () => {
  const much = { ...USAGE, tokens: { ...USAGE.tokens, output: 100_000_001 } };
  assertEquals((await read(formatLine(LOG.deductionFailed, much))).kinds, ["unreadable"]);
});
