import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { encode as o200k } from "gpt-tokenizer/o200k_base";
import type { ModelRequest } from "../../shared/llm/dialect.ts";
import { OPENAI_RESPONSES } from "../../shared/llm/dialects/openai_responses.ts";
import { accepted } from "./requests.ts";

const limits = { maxInputTokens: 400_000, imageTokensMax: 1_000 };

const read = (body: object): ModelRequest =>
  accepted(OPENAI_RESPONSES, { model: "openai:gpt-5", ...body });

const upper = (body: object) => OPENAI_RESPONSES.inputTokensMax(read(body), limits);
const fair = (body: object) => OPENAI_RESPONSES.inputTokensEstimate(read(body), limits);

const user = (...content: object[]) => ({ input: [{ role: "user", content }] });
const text = { type: "input_text", text: "What is this?" };
const image = { type: "input_image", image_url: `data:image/png;base64,${"A".repeat(50_000)}` };
const call = { type: "function_call", call_id: "c", name: "f", arguments: '{"city":"Paris"}' };

Deno.test("a prompt of which all can be counted hides nothing", () => {
  for (
    const input of [
      "Hello",
      [],
      [{ role: "user", content: "Hello" }],
      [{ type: "message", role: "user", content: [text, image] }],
      [{ role: "assistant", content: [{ type: "output_text", text: "x" }] }],
      [{ role: "assistant", content: [{ type: "refusal", refusal: "x" }] }],
      [call, { type: "function_call_output", call_id: "c", output: "sunny" }],
      [call, { type: "function_call_output", call_id: "c", output: [text, image] }],
      [{ type: "custom_tool_call_output", call_id: "c", output: [text] }],
      [{ type: "reasoning", id: "rs_1", summary: [], encrypted_content: "gAAAA" }],
      [{ type: "shell_call_output", call_id: "c", output: [{ stdout: "x", stderr: "" }] }],
    ]
  ) {
    assertEquals(read({ input }).hidesInput, false, JSON.stringify(input).slice(0, 100));
  }
});

Deno.test("files, sound and what lies at the provider hold the whole context window", () => {
  const file = { type: "input_file", file_url: "https://example.com/a.pdf" };
  const sound = { type: "input_audio", input_audio: { data: "AAAA", format: "wav" } };
  for (
    const body of [
      user(text, file),
      user(sound),
      user({ type: "input_video", video_url: "https://x.test" }),
      user({ text: "a part without a type" }),
      { input: [{ type: "function_call_output", call_id: "c", output: [file] }] },
      { input: [{ type: "item_reference", id: "msg_1" }] },
      { input: [{ type: "reasoning", id: "rs_1", summary: [] }] },
      { input: [{ type: "compaction", encrypted_content: "gAAAA" }] },
      { input: [{ type: "web_search_call", id: "ws_1", status: "completed" }] },
      { input: [{ type: "something_new", id: "x_1" }] },
      { input: "x", previous_response_id: "resp_1" },
      { previous_response_id: "resp_1" },
      { input: "x", conversation: "conv_1" },
      { prompt: { id: "pmpt_1" } },
      { input: "x", context_management: [{ type: "compaction" }] },
    ]
  ) {
    assertEquals(read(body).hidesInput, true, JSON.stringify(body));
    assertEquals(upper(body), limits.maxInputTokens, JSON.stringify(body));
  }
  assertEquals(read(user(sound)).features, ["input_audio"]);
  assertEquals(read(user(file)).features, []);
});

Deno.test("each search may read the context window again", () => {
  const body = { input: "x", tools: [{ type: "web_search" }], max_tool_calls: 2 };
  assertEquals(upper(body), 3 * limits.maxInputTokens);
});

Deno.test("an image is the model's dearest in the bound and half of it in the estimate", () => {
  const without = upper(user(text));
  const one = upper(user(text, image));
  assert(one >= without + 1_000 && one < without + 1_100, `${without} ${one}`);
  const two = user(text, image, image);
  assertEquals(fair(two) - fair(user(text)), 1_000);
  const output = [image];
  const inResult = [{ type: "function_call_output", call_id: "c", output }];
  assert(upper({ input: inResult }) < 1_200);
});

Deno.test("instructions, tools, schemas, calls, results and reasoning are in the bound", () => {
  const long = "All of this may reach the model. ".repeat(40);
  const plain = upper({ input: "x" });
  for (
    const body of [
      { input: long },
      { input: "x", instructions: long },
      { input: "x", tools: [{ type: "function", name: "f", description: long }] },
      { input: "x", text: { format: { type: "json_schema", schema: { description: long } } } },
      { input: [{ ...call, arguments: long }] },
      { input: [{ type: "function_call_output", call_id: "c", output: long }] },
      { input: [{ type: "reasoning", summary: [], encrypted_content: long }] },
      { input: "x", some_future_field: long },
    ]
  ) {
    assert(upper(body) - plain > o200k(long).length, JSON.stringify(body).slice(0, 60));
  }
  for (
    const body of [
      { input: "x", metadata: { note: long } },
      { input: "x", prompt_cache_key: long },
      { input: "x", models: [long.slice(0, 200)] },
    ]
  ) assertEquals(upper(body), plain);
});

Deno.test("the estimate counts what is read as text, and no ciphers", () => {
  const long = "The quick brown fox jumps over the lazy dog. ".repeat(20);
  const plain = fair({ input: [{ role: "user", content: "x" }] });
  for (
    const item of [
      { role: "user", content: long },
      { role: "user", content: [{ type: "input_text", text: long }] },
      { role: "assistant", content: [{ type: "refusal", refusal: long }] },
      { ...call, arguments: long },
      { type: "function_call_output", call_id: "c", output: long },
      { type: "function_call_output", call_id: "c", output: [{ type: "input_text", text: long }] },
      { type: "local_shell_call_output", id: "l", output: long },
      { type: "reasoning", summary: [{ type: "summary_text", text: long }] },
    ]
  ) {
    const difference = fair({ input: [item] }) - plain;
    assert(difference > 150 && difference < 300, `${difference} ${JSON.stringify(item)}`);
  }
  const cipher = { type: "reasoning", summary: [], encrypted_content: long };
  assert(fair({ input: [cipher] }) <= plain);
  assert(fair({ input: "x", instructions: long }) - plain > 150);
});

Deno.test("the estimate is never above the bound, and neither throws, whatever the items", () => {
  const word = fc.constantFrom(
    ...["message", "reasoning", "function_call", "function_call_output", "input_text"],
    ...["input_image", "user", "x", "https://x.test/a.png"],
  );
  const keys = fc.constantFrom(
    ...["type", "role", "content", "text", "output", "summary", "arguments", "image_url", "name"],
    ...["encrypted_content", "detail"],
  );
  const value = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      word,
      fc.string(),
      fc.constantFrom(null, true, 1),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(keys, tie("value"), { maxKeys: 5 }),
    ),
  })).value;
  const items = fc.array(fc.dictionary(keys, value, { maxKeys: 6 }), { maxLength: 4 });
  fc.assert(
    fc.property(items, (input) => {
      const request = OPENAI_RESPONSES.readRequest({ model: "openai:gpt-5", input });
      fc.pre(request.kind === "request");
      const [most, likely] = [upper({ input }), fair({ input })];
      assert(likely <= most, `${likely} > ${most}`);
    }),
    { numRuns: 2000 },
  );
});
