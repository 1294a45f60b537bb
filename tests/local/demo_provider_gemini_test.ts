import { assert, assertEquals, assertGreater, assertRejects } from "@std/assert";
import { ApiError, FunctionCallingConfigMode, GoogleGenAI } from "@google/genai";
import type { DemoScript } from "../../local/demo_provider/script.ts";
import { CITY, ended, ordering, withProvider } from "./demo_provider_harness.ts";

const clientOf = (url: string) =>
  new GoogleGenAI({ apiKey: "AIza-test", httpOptions: { baseUrl: url } });

const MODEL = "gemini-2.5-flash-lite";

const ask = (script: DemoScript = {}) => ({ model: MODEL, contents: ordering(script) });

const TOOLS = {
  tools: [{ functionDeclarations: [{ name: "get_weather", parametersJsonSchema: CITY }] }],
};

/** The raw answer to a request. */
function raw(url: string, method: string, script: DemoScript): Promise<Response> {
  return fetch(`${url}/v1beta/models/${MODEL}:${method}`, {
    method: "POST",
    headers: { "x-goog-api-key": "k" },
    body: JSON.stringify({ contents: [{ role: "user", parts: [{ text: ordering(script) }] }] }),
  });
}

const sse = "streamGenerateContent?alt=sse";

Deno.test("Gemini: the SDK reads a whole answer with the usage that was scripted", async () => {
  await withProvider(async ({ url }) => {
    const answer = await clientOf(url).models.generateContent(ask({
      text: "Good day.",
      prompt_tokens: 500,
      cached_tokens: 400,
      reasoning_tokens: 30,
    }));
    assertEquals(answer.text, "Good day.");
    assertEquals(answer.modelVersion, MODEL);
    const usage = answer.usageMetadata!;
    assertEquals(usage.promptTokenCount, 500);
    assertEquals(usage.cachedContentTokenCount, 400);
    // Thoughts are outside the candidates.
    assertEquals(usage.thoughtsTokenCount, 30);
    assertEquals(usage.totalTokenCount, 530 + usage.candidatesTokenCount!);
  });
});

Deno.test("Gemini: a stream reports usage in every chunk, growing to the count of the last", async () => {
  await withProvider(async ({ url }) => {
    const stream = await clientOf(url).models.generateContentStream(ask({ output_tokens: 6 }));
    const chunks = await Array.fromAsync(stream);
    assertEquals(
      chunks.map((chunk) => chunk.usageMetadata!.candidatesTokenCount),
      [1, 2, 3, 4, 5, 6],
    );
    assertEquals(
      chunks.map((chunk) => chunk.candidates![0]!.finishReason as string | undefined),
      [...Array(5).fill(undefined), "STOP"],
    );
  });
});

Deno.test("Gemini: its stream has CRLF and no [DONE], and is an array of JSON without alt=sse", async () => {
  await withProvider(async ({ url }) => {
    const script = { text: "Grüße, 世界!" };
    const events = await (await raw(url, sse, script)).text();
    assertEquals(events.split("\r\n\r\n").length, events.split("data: ").length);
    assertEquals(/[^\r]\n/.test(events), false);
    assertEquals(events.includes("[DONE]"), false);
    const response = await raw(url, "streamGenerateContent", script);
    const array: { candidates: { content: { parts: { text: string }[] } }[] }[] = await response
      .json();
    assertEquals(
      array.map((chunk) => chunk.candidates[0]!.content.parts[0]!.text).join(""),
      "Grüße, 世界!",
    );
    const empty = await (await raw(url, "streamGenerateContent", { empty: true })).json();
    assertEquals(empty.length, 1);
    assertEquals(empty[0].candidates[0].finishReason, "STOP");
  });
});

Deno.test("Gemini: a function is called with its arguments, streamed or not, and answered", async () => {
  await withProvider(async ({ url }) => {
    const { models } = clientOf(url);
    const request = {
      ...ask({ tool: { name: "get_weather", arguments: { city: "Bern" } } }),
      config: TOOLS,
    };
    const whole = await models.generateContent(request);
    const chunks = await Array.fromAsync(await models.generateContentStream(request));
    for (const answer of [whole, chunks.at(-1)!]) {
      const [call] = answer.functionCalls!;
      assertEquals(call!.name, "get_weather");
      assertEquals(call!.args, { city: "Bern" });
      const next = await models.generateContent({
        ...request,
        contents: [
          { role: "user", parts: [{ text: request.contents }] },
          answer.candidates![0]!.content!,
          {
            role: "user",
            parts: [{ functionResponse: { name: "get_weather", response: { output: "9 °C" } } }],
          },
        ],
      });
      assertGreater(next.text!.length, 10);
    }
  });
});

Deno.test("Gemini: mode ANY forces a call that the question does not ask for", async () => {
  await withProvider(async ({ url }) => {
    const answer = await clientOf(url).models.generateContent({
      ...ask(),
      config: {
        ...TOOLS,
        toolConfig: { functionCallingConfig: { mode: FunctionCallingConfigMode.ANY } },
      },
    });
    assertEquals(answer.functionCalls![0]!.args, { city: "Zürich" });
  });
});

Deno.test("Gemini: thoughts are shown only on request, and a budget of 0 turns them off", async () => {
  await withProvider(async ({ url }) => {
    const answerTo = (thinkingConfig: { includeThoughts?: boolean; thinkingBudget?: number }) =>
      clientOf(url).models.generateContent({
        model: "gemini-2.5-flash",
        contents: "Hello",
        config: { thinkingConfig },
      });
    const hidden = await answerTo({});
    const shown = await answerTo({ includeThoughts: true });
    const off = await answerTo({ thinkingBudget: 0 });
    const thoughts = [hidden, shown, off].map((answer) => ({
      shown: answer.candidates![0]!.content!.parts!.filter((part) => part.thought).length,
      counted: answer.usageMetadata!.thoughtsTokenCount,
    }));
    assertEquals(thoughts, [
      { shown: 0, counted: 192 },
      { shown: 1, counted: 192 },
      { shown: 0, counted: undefined },
    ]);
  });
});

Deno.test("Gemini: a chat goes on, streamed or not, with what was said before", async () => {
  await withProvider(async (provider) => {
    const chat = clientOf(provider.url).chats.create({ model: MODEL });
    await chat.sendMessage({ message: "Hello" });
    for await (const _ of await chat.sendMessageStream({ message: "And now?" }));
    assertEquals(chat.getHistory(true).length > 3, true);
    const last = await chat.sendMessage({ message: "And then?" });
    assertGreater(last.usageMetadata!.promptTokenCount!, 100);
    assertEquals((await ended(provider)).state, "finished");
  });
});

Deno.test("Gemini: maxOutputTokens cuts at exactly that many tokens, thoughts included", async () => {
  await withProvider(async ({ url }) => {
    const answer = await clientOf(url).models.generateContent({
      ...ask({ reasoning_tokens: 4 }),
      config: { maxOutputTokens: 10 },
    });
    assertEquals(answer.candidates![0]!.finishReason as string, "MAX_TOKENS");
    assertEquals(answer.usageMetadata!.candidatesTokenCount, 6);
    assertEquals(answer.usageMetadata!.thoughtsTokenCount, 4);
  });
});

for (
  const [name, request, status, code] of [
    ["an unknown model", { ...ask(), model: "gemini-nope" }, 404, "NOT_FOUND"],
    ["a limit of 0", { ...ask(), config: { maxOutputTokens: 0 } }, 400, "INVALID_ARGUMENT"],
    ["an ordered 429", ask({ fail: 429, retry_after: 7 }), 429, "RESOURCE_EXHAUSTED"],
    ["an ordered 503", ask({ fail: 503 }), 503, "UNAVAILABLE"],
  ] as const
) {
  Deno.test(`Gemini: ${name} is refused with its own error: ${status} ${code}`, async () => {
    await withProvider(async ({ url }) => {
      for (const method of ["generateContent", "generateContentStream"] as const) {
        const error = await assertRejects(
          async () => await clientOf(url).models[method](request),
          ApiError,
        );
        assertEquals(error.status, status);
        assertEquals(JSON.parse(error.message).error.status, code);
        if (status === 429) assert(error.message.includes('"retryDelay":"7s"'));
      }
    });
  });
}

Deno.test("Gemini: a missing key is 403, a wrong one 400, and a foreign field 400", async () => {
  await withProvider(async ({ url }) => {
    const path = `${url}/google/v1beta/models/${MODEL}:generateContent`;
    const statusOf = async (key: string, body: unknown) => {
      const response = await fetch(path + key, { method: "POST", body: JSON.stringify(body) });
      return [response.status, (await response.json()).error.status];
    };
    assertEquals(await statusOf("", {}), [403, "PERMISSION_DENIED"]);
    assertEquals(await statusOf("?key=invalid", {}), [400, "INVALID_ARGUMENT"]);
    assertEquals(await statusOf("?key=k", { chat_id: "x" }), [400, "INVALID_ARGUMENT"]);
  });
});

Deno.test("Gemini: an error in the stream raises ApiError after the tokens before it", async () => {
  await withProvider(async (provider) => {
    const stream = await clientOf(provider.url).models.generateContentStream(
      ask({ error_frame_after_tokens: 2 }),
    );
    const error = await assertRejects(() => Array.fromAsync(stream), ApiError);
    assert(error.message.includes("overloaded"));
    assertEquals((await ended(provider)).tokensSent, 2);
  });
});

Deno.test("Gemini: usage can be left out or absurd, and the stream can break off", async () => {
  await withProvider(async (provider) => {
    const streamed = async (script: DemoScript) =>
      await (await raw(provider.url, sse, script)).text();
    assertEquals((await streamed({ omit_usage: true })).includes("usageMetadata"), false);
    assert((await streamed({ usage: null })).includes('"usageMetadata":null'));
    assertEquals((await streamed({ end_after_tokens: 2 })).includes("finishReason"), false);
    await assertRejects(() => streamed({ drop_after_tokens: 3 }));
    assertEquals((await ended(provider)).state, "dropped");
  });
});

Deno.test("Gemini: a client that leaves is noted as cancelled", async () => {
  await withProvider(async (provider) => {
    const leaving = new AbortController();
    const stream = await clientOf(provider.url).models.generateContentStream({
      ...ask({ output_tokens: 50_000, token_ms: 1 }),
      config: { abortSignal: leaving.signal },
    });
    await assertRejects(async () => {
      for await (const _ of stream) leaving.abort();
    });
    const last = await ended(provider);
    assertEquals(last.state, "cancelled");
    assertEquals(last.headers["x-goog-api-key"], undefined);
  });
});
