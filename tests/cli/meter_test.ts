import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { meterAnswer } from "../../cli/meter_command.ts";
import type { DialectName } from "../../shared/llm/dialect.ts";
import { encode } from "../llm/chunks.ts";
import { dialectOf, listRecordings, readRecording, type Recording } from "../llm/recordings.ts";
import { runFarebox } from "../support/farebox.ts";

const PER_DIALECT = 6;

/** Runs the real command on a body. */
const meter = (body: Uint8Array, ...args: string[]) => runFarebox({}, ["meter", ...args], body);

async function metering(body: Uint8Array, ...args: string[]) {
  const { code, out, err } = await meter(body, ...args);
  assertEquals([code, err], [0, ""]);
  return JSON.parse(out);
}

const chat = ["--dialect", "openai-chat", "--provider", "openai"];
const usage = { prompt_tokens: 11, completion_tokens: 9, total_tokens: 20 };
const tokens = { input: 11, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0, output: 9 };
const completion = {
  id: "chatcmpl-1",
  model: "gpt-4o",
  service_tier: "default",
  choices: [{ message: { role: "assistant", content: "Hello" }, finish_reason: "stop" }],
  usage,
};

const all = listRecordings();
const settled = (all ?? []).filter((one) =>
  dialectOf(one) !== undefined && "ABC".includes(one.grade) && one.tokens !== undefined &&
  !one.flags?.length
);

/** Some of each dialect: those with other models, and the first of each provider. */
function someOf(recordings: readonly Recording[]): Recording[] {
  const chosen = new Map<string, Recording[]>();
  const providers = new Set<string>();
  const first = recordings.toSorted((a, b) =>
    Number(b.other_models !== undefined) - Number(a.other_models !== undefined)
  );
  for (const recording of first) {
    const key = `${recording.dialect} ${recording.provider} ${recording.streaming}`;
    const list = chosen.get(recording.dialect) ?? [];
    if (providers.has(key) || list.length >= PER_DIALECT) continue;
    providers.add(key);
    chosen.set(recording.dialect, [...list, recording]);
  }
  return [...chosen.values()].flat();
}

Deno.test({
  name: all === null
    ? "recordings [no ../shared/recordings beside this checkout]"
    : "the command prints exactly what recorded answers of each dialect report",
  ignore: all === null,
  async fn() {
    const chosen = someOf(settled);
    assertEquals(new Set(chosen.map(({ dialect }) => dialect)).size, 4);
    for (const recording of chosen) {
      const { dialect, provider } = recording;
      const args = ["--dialect", dialect, "--provider", provider, "--status", "200"];
      const printed = await metering(readRecording(recording), ...args);
      assertEquals(
        [printed.dialect, printed.provider, printed.basis, printed.tokens, printed.framing],
        [dialect, provider, "reported", recording.tokens, recording.streaming ? "stream" : "whole"],
        recording.file,
      );
      assertEquals(
        Object.keys(printed.other_models),
        Object.keys(recording.other_models ?? {}),
        recording.file,
      );
    }
  },
});

Deno.test({
  name: all === null
    ? "recordings without usage [no ../shared/recordings beside this checkout]"
    : "a recorded answer without usage is an estimate or nothing, and an error status nothing",
  ignore: all === null,
  fn() {
    const unreported = (all ?? []).filter((one) =>
      dialectOf(one) !== undefined && one.tokens === undefined
    );
    for (const recording of unreported) {
      const { dialect, provider, status, file } = recording;
      const name = dialect as DialectName;
      const { basis, tokens, error } = meterAnswer(
        readRecording(recording),
        name,
        provider,
        status,
      );
      if (status >= 400) assertEquals([basis, tokens, error !== null], ["none", null, true], file);
      if (basis === "none") assertEquals(tokens, null, file);
      else {assertEquals(
          [basis, tokens?.input, tokens!.output >= 1],
          ["estimated", null, true],
          file,
        );}
    }
  },
});

Deno.test("everything that is known of an answer is printed, in one object", async () => {
  const printed = await metering(encode(JSON.stringify(completion)), ...chat);
  assertEquals(printed, {
    dialect: "openai-chat",
    provider: "openai",
    model: "gpt-4o",
    basis: "reported",
    tokens,
    reasoning: null,
    media: {
      input_audio: 0,
      input_image: 0,
      cache_read_audio: 0,
      output_audio: 0,
      output_image: 0,
    },
    web_searches: 0,
    other_models: {},
    service_tier: "default",
    provider_cost: null,
    provider_request_id: "chatcmpl-1",
    finish: "stop",
    error: null,
    flags: [],
    framing: "whole",
    note: null,
  });
});

Deno.test("white space, a BOM and comments before JSON are what providers send to wait", async () => {
  const json = JSON.stringify(completion);
  for (const before of ["\n\n   \n", "\uFEFF", ": OPENROUTER PROCESSING\n\n", "\r\n: a\r\n\r\n"]) {
    const { framing, basis, tokens: found } = await metering(encode(before + json), ...chat);
    assertEquals([framing, basis, found], ["whole", "reported", tokens], JSON.stringify(before));
  }
});

Deno.test("a stream may begin with comments and a BOM, and Gemini's may be one JSON array", async () => {
  const event = `data: ${JSON.stringify({ ...completion, choices: [] })}\n\n`;
  const stream = await metering(encode(`\uFEFF: keep-alive\n\n${event}`), ...chat);
  assertEquals([stream.framing, stream.tokens], ["stream", tokens]);
  const part = (text: string, count: number) => ({
    candidates: [{ content: { parts: [{ text }], role: "model" }, finishReason: "STOP" }],
    usageMetadata: {
      promptTokenCount: 11,
      candidatesTokenCount: count,
      totalTokenCount: 11 + count,
    },
  });
  const array = encode(JSON.stringify([part("Hel", 3), part("lo", 9)]));
  const gemini = await metering(array, "--dialect", "gemini", "--provider", "google");
  assertEquals([gemini.framing, gemini.tokens], ["whole", tokens]);
});

Deno.test("lesson 23: without a usage the output is estimated and the input unknown, never zeros", async () => {
  const { usage: _, ...unreported } = completion;
  const printed = await metering(encode(JSON.stringify(unreported)), ...chat);
  assertEquals([printed.basis, printed.tokens.input], ["estimated", null]);
  assert(printed.tokens.output >= 1);
  for (
    const body of ["", "\n", "<html>busy</html>", "{", '{"a":1}\n{"b":2}', "7", "data: [DONE]\n\n"]
  ) {
    const { basis, tokens } = await metering(encode(body), ...chat);
    assertEquals([basis, tokens], ["none", null], body);
  }
});

Deno.test("lesson 17: the body of an error status is never counted, whatever it holds", async () => {
  for (const body of [JSON.stringify(completion), "<html>bad gateway</html>", ""]) {
    const printed = await metering(encode(body), ...chat, "--status", "502");
    assertEquals([printed.basis, printed.tokens, printed.error.code], ["none", null, "502"]);
  }
  const error = { error: { message: "slow down", type: "rate_limit_error", code: null } };
  const printed = await metering(encode(JSON.stringify(error)), ...chat, "--status", "429");
  assertEquals([printed.basis, printed.error.message], ["none", "slow down"]);
});

Deno.test("a provider that nobody knows counts by the dialect's own rule", async () => {
  const args = ["--provider", "house-gateway", "--dialect"];
  const chat = await metering(encode(JSON.stringify(completion)), ...args, "openai-chat");
  assertEquals([chat.provider, chat.tokens], ["house-gateway", tokens]);
  const answer = {
    candidates: [{ content: { parts: [{ text: "Hi" }] }, finishReason: "STOP" }],
    usageMetadata: { promptTokenCount: 11, candidatesTokenCount: 4, thoughtsTokenCount: 5 },
  };
  const gemini = await metering(encode(JSON.stringify(answer)), ...args, "gemini");
  assertEquals([gemini.tokens, gemini.reasoning], [tokens, 5]);
});

Deno.test("a wrong option is told in a sentence, with exit code 2", async () => {
  const cases: [string[], string][] = [
    [["--dialect", "chat", "--provider", "openai"], "openai-chat, openai-responses, "],
    [["--provider", "openai"], "anthropic-messages, gemini"],
    [["--dialect", "gemini"], "--provider"],
    [[...chat, "--status", "ok"], "200 or 429"],
  ];
  for (const [args, said] of cases) {
    const { code, out, err } = await meter(encode("{}"), ...args);
    assertEquals([code, out], [2, ""]);
    assertStringIncludes(err, said);
  }
});

Deno.test("the command starts without the ledger's client, which is large", async () => {
  const main = await Deno.readTextFile(new URL("../../cli/main.ts", import.meta.url));
  const rooms = [...main.matchAll(/^import (?!type).* from "\.\/(\w+\.ts)"/gm)].map(([, file]) =>
    file!
  );
  for (const file of ["main.ts", "meter_command.ts", ...rooms]) {
    const source = await Deno.readTextFile(new URL(`../../cli/${file}`, import.meta.url));
    const heads = source.match(/^(import|\} from) .*$/gm) ?? [];
    const loaded = heads.filter((line) => !line.startsWith("import type"));
    assertEquals(
      loaded.filter((line) => /shared\/credit|target\.ts|ledger|supabase-js/.test(line)),
      [],
      file,
    );
  }
});
