import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import OpenAI from "openai";
import { DEFAULT_COUNTING } from "../../shared/llm/counting_rules.ts";
import { OPENAI_CHAT } from "../../shared/llm/dialects/openai_chat.ts";
import { createEventSplitter } from "../../shared/llm/sse_events.ts";
import { concat, encode } from "./chunks.ts";

import { clientOf } from "./openai_client.ts";

const ask = { model: "openai:gpt-4o", messages: [{ role: "user" as const, content: "Hello" }] };
const message = "Your balance is too low. Top up to go on.";

const answerOf = (bytes: Uint8Array) => () =>
  new Response(new Blob([bytes as BlobPart]), { headers: { "content-type": "text/event-stream" } });

const first = encode(
  `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,"model":"gpt-4o",` +
    `"choices":[{"index":0,"delta":{"role":"assistant","content":"Hello"},"finish_reason":null}]}\n\n`,
);

Deno.test("the envelope makes the openai SDK raise the class of the status, with our code", async () => {
  const classes = [
    [400, OpenAI.BadRequestError],
    [401, OpenAI.AuthenticationError],
    [402, OpenAI.APIError],
    [403, OpenAI.PermissionDeniedError],
    [404, OpenAI.NotFoundError],
    [409, OpenAI.ConflictError],
    [422, OpenAI.UnprocessableEntityError],
    [429, OpenAI.RateLimitError],
    [503, OpenAI.InternalServerError],
  ] as const;
  for (const [status, ErrorClass] of classes) {
    const body = OPENAI_CHAT.errorBody({ status, code: "SOME_CODE", message, param: "model" });
    const client = clientOf(() => Response.json(body, { status }));
    const error = await client.chat.completions.create(ask).then(() => null, (error) => error);
    assertInstanceOf(error, ErrorClass);
    assertEquals([error.status, error.code, error.param], [status, "SOME_CODE", "model"]);
    assertEquals(error.message, `${status} ${message}`);
  }
});

Deno.test("an error has its fields at the top too, as texts, for SDKs of providers that have them there", () => {
  const refusal = { status: 402, code: "SOME_CODE", message };
  const { error: _, ...top } = OPENAI_CHAT.errorBody(refusal);
  const type = "insufficient_quota";
  assertEquals(top, { object: "error", message, type, param: "", code: "SOME_CODE" });
  assertEquals(OPENAI_CHAT.errorBody({ ...refusal, param: "model" }).param, "model");
});

Deno.test("an error at the end of a stream is raised out of the SDK's loop over chunks", async () => {
  const error = OPENAI_CHAT.errorEvent({ status: 502, code: "UPSTREAM_ERROR", message });
  const client = clientOf(answerOf(concat([first, error])));
  const stream = await client.chat.completions.create({ ...ask, stream: true });
  const received: string[] = [];
  await assertRejects(
    async () => {
      for await (const chunk of stream) received.push(chunk.choices[0]?.delta.content ?? "");
    },
    OpenAI.APIError,
    message,
  );
  assertEquals(received, ["Hello"]);
});

Deno.test("a stream that is cut short ends for the SDK with the finish reason length", async () => {
  const comment = encode(`: farebox {"cost":"0.0012"}\n\n`);
  for (const begun of [first, encode("")]) {
    const meter = OPENAI_CHAT.createMeter(DEFAULT_COUNTING);
    for (const event of createEventSplitter().push(begun)) meter.fold(event);
    const { closing, terminal } = meter.earlyEnd();
    const client = clientOf(answerOf(concat([begun, closing, comment, terminal])));
    const { choices } = await client.chat.completions.stream(ask).finalChatCompletion();
    assertEquals(choices[0]?.finish_reason, "length");
    assertEquals(choices[0]?.message.content ?? "", begun === first ? "Hello" : "");
  }
});
