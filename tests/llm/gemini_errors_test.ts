import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { ApiError, type GenerateContentResponse, GoogleGenAI } from "@google/genai";
import { DEFAULT_COUNTING } from "../../shared/llm/counting_rules.ts";
import { GEMINI } from "../../shared/llm/dialects/gemini.ts";
import { createEventSplitter } from "../../shared/llm/sse_events.ts";
import { concat, encode } from "./chunks.ts";
import { estimateTokens } from "./text_estimate.ts";

const message = "Your balance is too low. Top up to go on.";
const ask = { model: "google:gemini-2.5-flash", contents: "Hello" };

/** Runs the official SDK against a server that answers with this. */
async function withClient(
  answer: (request: Request) => Response,
  run: (client: GoogleGenAI) => Promise<void>,
): Promise<void> {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      await request.body?.cancel();
      return answer(request);
    },
  );
  const baseUrl = `http://127.0.0.1:${server.addr.port}/functions/v1/chat-proxy`;
  await run(new GoogleGenAI({ apiKey: "test", vertexai: false, httpOptions: { baseUrl } }));
}

const answerOf = (bytes: Uint8Array) => () =>
  new Response(new Blob([bytes as BlobPart]), { headers: { "content-type": "text/event-stream" } });

const chunk = (text: string) =>
  `data: ${
    JSON.stringify({
      candidates: [{ content: { parts: [{ text }], role: "model" }, index: 0 }],
      usageMetadata: { promptTokenCount: 8, totalTokenCount: 8 },
      modelVersion: "gemini-2.5-flash",
      responseId: "resp-1",
    })
  }\r\n\r\n`;

/** The stream that was begun, and how the meter ends it. */
function cutShort(begun: string): Uint8Array {
  const meter = GEMINI.createMeter(DEFAULT_COUNTING);
  for (const event of createEventSplitter().push(encode(begun))) meter.fold(event);
  const { closing, terminal } = meter.earlyEnd();
  const comment = encode(`: farebox {"cost":"0.0012"}\n\n`);
  return concat([encode(begun), closing, comment, terminal]);
}

Deno.test("the envelope makes @google/genai raise an ApiError of the status, with our code", async () => {
  for (
    const [status, name] of [
      [400, "INVALID_ARGUMENT"],
      [401, "UNAUTHENTICATED"],
      [402, "FAILED_PRECONDITION"],
      [403, "PERMISSION_DENIED"],
      [404, "NOT_FOUND"],
      [409, "ABORTED"],
      [413, "INVALID_ARGUMENT"],
      [429, "RESOURCE_EXHAUSTED"],
      [500, "INTERNAL"],
      [502, "UNAVAILABLE"],
      [503, "UNAVAILABLE"],
      [504, "DEADLINE_EXCEEDED"],
    ] as const
  ) {
    const body = GEMINI.errorBody({ status, code: "SOME_CODE", message, param: "contents" });
    await withClient(() => Response.json(body, { status }), async (client) => {
      for (
        const call of [
          () => client.models.generateContent(ask),
          () => client.models.generateContentStream(ask),
        ]
      ) {
        const error = await call().then(() => null, (error) => error);
        assertInstanceOf(error, ApiError);
        assertEquals(error.status, status);
        const told = JSON.parse(error.message).error;
        assertEquals([told.code, told.status, told.message], [status, name, message]);
        const [{ reason, metadata }] = told.details;
        assertEquals([reason, metadata], ["SOME_CODE", { param: "contents" }]);
      }
    });
  }
});

Deno.test("our own envelope is read back as the error that it is", () => {
  const body = GEMINI.errorBody({ status: 402, code: "INSUFFICIENT_BALANCE", message });
  assertEquals(GEMINI.readAnswer(body, DEFAULT_COUNTING).error, {
    message,
    type: "FAILED_PRECONDITION",
    code: "402",
  });
});

Deno.test("an error at the end of a stream is raised out of @google/genai's loop over chunks", async () => {
  const error = GEMINI.errorEvent({ status: 502, code: "UPSTREAM_ERROR", message });
  await withClient(answerOf(concat([encode(chunk("Hello")), error])), async (client) => {
    const stream = await client.models.generateContentStream(ask);
    const received: string[] = [];
    const raised = await assertRejects(
      async () => {
        for await (const part of stream) received.push(part.text ?? "");
      },
      ApiError,
      message,
    );
    assertEquals([raised.status, received], [502, ["Hello"]]);
  });
});

Deno.test("a stream that is cut short ends for @google/genai with MAX_TOKENS", async () => {
  for (
    const [begun, text] of [[chunk("Hello") + chunk(" there"), "Hello there"], ["", ""]] as const
  ) {
    await withClient(answerOf(cutShort(begun)), async (client) => {
      const parts: GenerateContentResponse[] = [];
      for await (const part of await client.models.generateContentStream(ask)) parts.push(part);
      assertEquals(parts.map((part) => part.text ?? "").join(""), text);
      const last = parts.at(-1);
      assertEquals(last?.candidates?.[0]?.finishReason, "MAX_TOKENS");
      assertEquals(last?.usageMetadata?.candidatesTokenCount, estimateTokens(text));
    });
  }
});

Deno.test("a chat of @google/genai goes on after an answer that was cut short", async () => {
  await withClient(answerOf(cutShort(chunk("Hello"))), async (client) => {
    const chat = client.chats.create({ model: ask.model });
    for await (const _ of await chat.sendMessageStream({ message: "Hi" }));
    // An answer without valid parts would be left out of what the next question is asked with.
    assertEquals(chat.getHistory(true).map(({ role }) => role), ["user", "model", "model"]);
  });
});

Deno.test("@google/genai names model, method and alt=sse in the path, and the key in a header", async () => {
  const seen: string[] = [];
  const answer = (request: Request) => {
    const { pathname, search } = new URL(request.url);
    seen.push(pathname.replace("/functions/v1/chat-proxy", "") + search);
    assertEquals(request.headers.get("x-goog-api-key"), "test");
    return new Response(chunk("Hello"), { headers: { "content-type": "text/event-stream" } });
  };
  await withClient(answer, async (client) => {
    for (
      const model of ["gemini-2.5-flash", "google:gemini-2.5-flash", "google/gemini-2.5-flash"]
    ) {
      await client.models.generateContentStream({ ...ask, model });
    }
  });
  assertEquals(seen, [
    "/v1/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
    "/v1/models/google:gemini-2.5-flash:streamGenerateContent?alt=sse",
    "/v1/models/google/gemini-2.5-flash:streamGenerateContent?alt=sse",
  ]);
});
