/** Guard rails as apps meet them: through real SDKs, set by `farebox settings` while all runs. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import Anthropic from "@anthropic-ai/sdk";
import { ApiError, GoogleGenAI } from "@google/genai";
import OpenAI from "openai";
import { chat, contentOf, costComment, openChat } from "../support/chat.ts";
import { chargeOf, exact } from "../support/charges.ts";
import { runFarebox } from "../support/farebox.ts";
import { startTestStack } from "../support/stack.ts";
import { until } from "../support/until.ts";
import { ordering, post, QUESTION, settled } from "./clients_harness.ts";
import { changingNothing, readRefusal } from "./refusals.ts";

const stack = await startTestStack({ env: { FREE_GUEST_EXCHANGES: "50" } });
Deno.test.afterAll(() => stack.stop());

const PROXY = `${stack.functionsUrl}/chat-proxy`;
const GUEST = { headers: { apikey: stack.details.publishableKey } };

/** Runs with these settings, and takes all guard rails away afterwards. */
async function within(pairs: string[], test: () => Promise<void>): Promise<void> {
  const set = async (...args: string[]) => {
    const { code, err } = await runFarebox(stack, ["settings", "set", ...args, "--yes"]);
    assertEquals([code, err.replace(/^!.*\n/gm, "")], [0, ""]);
  };
  await set(...pairs);
  try {
    await test();
  } finally {
    await set(...pairs.flatMap((name, i) => i % 2 === 0 ? [name, "none"] : []));
  }
}

function openai(token: string, maxRetries?: number): OpenAI {
  return new OpenAI({
    baseURL: `${PROXY}/v1`,
    apiKey: token,
    ...(maxRetries !== undefined && { maxRetries }),
  });
}

Deno.test("an SDK reads how many requests are left of its user's minute; beyond it raises RateLimitError with retry-after", () =>
  within(["requests_per_minute_max", "2"], async () => {
    const { token, id } = await stack.signUp();
    const client = openai(token, 0);
    for (const left of ["1", "0"]) {
      const { response } = await client.chat.completions.create(
        { model: "openai:gpt-4o", messages: [{ role: "user", content: "Hello" }] },
      ).withResponse();
      assertEquals(response.headers.get("x-ratelimit-limit-requests"), "2");
      assertEquals(response.headers.get("x-ratelimit-remaining-requests"), left);
      assertMatch(response.headers.get("x-ratelimit-reset-requests") ?? "", /^[1-6]?\ds$/);
      // Of tokens the provider's own limit stays.
      assert(Number(response.headers.get("x-ratelimit-remaining-tokens")) > 0);
    }
    const asking = () =>
      client.chat.completions.create(
        { model: "openai:gpt-4o", messages: [{ role: "user", content: "Hello" }] },
      );
    const error = await changingNothing(
      stack,
      async () => await assertRejects(asking, OpenAI.RateLimitError),
    );
    assertEquals([error.status, error.code, error.type], [
      429,
      "TOO_MANY_REQUESTS",
      "rate_limit_error",
    ]);
    const seconds = Number(error.headers?.get("retry-after"));
    assert(seconds >= 1 && seconds <= 60, `${seconds} s`);
    assertEquals(error.headers?.get("x-ratelimit-remaining-requests"), "0");
    assertEquals(error.headers?.get("x-ratelimit-reset-requests"), `${seconds}s`);
    await readRefusal(stack, await post(stack, { token }, QUESTION), 429, "TOO_MANY_REQUESTS");

    // With a second left, the SDK's own retry waits for it.
    await stack.sql`update public.user_balances
      set minute_started_at = clock_timestamp() - interval '59 seconds' where user_id = ${id}`;
    const answer = await openai(token).chat.completions.create(
      { model: "openai:gpt-4o", messages: [{ role: "user", content: "Hello" }] },
    );
    assertEquals(answer.choices.length, 1);
    await settled(stack);
  }));

Deno.test("a request beside too many that run is a 429, and goes through when one has ended", () =>
  within(["concurrent_requests_max", "2"], async () => {
    const user = await stack.signUp();
    const running = await Promise.all(
      [1, 2].map(() => openChat(stack, user, { script: { stall_ms: 60_000 } })),
    );
    const { response } = await readRefusal(
      stack,
      await post(stack, user, QUESTION),
      429,
      "TOO_MANY_REQUESTS",
    );
    assertEquals(response.headers.get("retry-after"), "2");
    // Somebody else's requests are their own.
    assertEquals((await post(stack, await stack.signUp(), QUESTION)).status, 200);
    running[0]!.cut();
    await until("the next request to be let in", async () => {
      const next = await post(stack, user, QUESTION);
      await next.body?.cancel();
      return next.status === 200;
    });
    running[1]!.cut();
    await settled(stack);
  }));

Deno.test("a day's spending limits the answer that passes it, ends a stream as at a length limit, and then is a 429 until midnight UTC", () =>
  within(["daily_spend_per_user_max", "0.03"], async () => {
    const user = await stack.signUp();
    const script = { output_tokens: 3_000 };
    const whole = await chat(stack, user, { script: { output_tokens: 1_500 }, stream: false });
    assertEquals(whole.status, 200);
    await whole.text();
    const first = await chargeOf(stack.sql, whole.headers.get("x-request-id")!);
    assertEquals(first.output_tokens, 1_500);

    const stream = await openChat(stack, user, { script });
    assertEquals(stream.response.headers.get("x-output-limited-by"), "spend_limit");
    const events = await stream.rest();
    assertEquals(events.at(-1)!.text, "data: [DONE]\n\n");
    const second = await chargeOf(stack.sql, stream.requestId);
    const delivered = events.filter((event) => contentOf(event) !== null).length;
    assertEquals([delivered, second.finish], [second.output_tokens, "length"]);
    const spent = exact(first.cost) + exact(second.cost);
    assert(spent <= exact("0.03") && spent > exact("0.029"), `${spent}`);

    // The rest would pay for a shorter question.
    const long = ordering({ output_tokens: 3_000 });
    const { response, text } = await changingNothing(
      stack,
      async () => readRefusal(stack, await post(stack, user, long), 429, "SPEND_LIMIT_REACHED"),
    );
    assertEquals(response.headers.get("x-should-retry"), "false");
    const body = JSON.parse(text);
    assertEquals([body.limit, exact(body.spent)], ["0.03", spent]);
    const midnight = Date.parse(body.resets_at);
    assertEquals(midnight % 86_400_000, 0);
    const seconds = Number(response.headers.get("retry-after"));
    assert(Math.abs(Date.now() + seconds * 1000 - midnight) < 5_000, `${seconds} s`);
    await settled(stack);
  }));

Deno.test("a stream whose day is narrowed while it runs ends cleanly, and says why", async () => {
  const user = await stack.signUp();
  const stream = await openChat(stack, user, { script: { output_tokens: 3_000, token_ms: 1 } });
  await stream.next();
  await within(["daily_spend_per_user_max", "0.001"], async () => {
    const events = await stream.rest();
    assertEquals(events.at(-1)!.text, "data: [DONE]\n\n");
    assertEquals(costComment(events)?.code, "SPEND_LIMIT_REACHED");
    assertMatch(events.at(-3)!.text, /"finish_reason":"length"/);
  });
  await settled(stack);
});

Deno.test("all guests together stop at the house's limit of the day, whatever their tokens", () =>
  within(["daily_spend_of_guests_max", "0.0001"], async () => {
    const { text } = await changingNothing(
      stack,
      async () =>
        readRefusal(stack, await post(stack, GUEST, QUESTION), 429, "SPEND_LIMIT_REACHED"),
    );
    assertEquals(["limit", "spent"].filter((name) => name in JSON.parse(text)), []);
    assertEquals((await post(stack, await stack.signUp(), QUESTION)).status, 200);
  }));

Deno.test("a model that is not allowed is a 403 in each dialect, as each SDK raises it, and is not asked of the provider", () =>
  within(["allowed_models", "openai:gpt-4o-mini,google:*"], async () => {
    const { token } = await stack.signUp();
    const messages = [{ role: "user" as const, content: "Hello" }];
    const anthropic = new Anthropic({ baseURL: PROXY, authToken: token, apiKey: null });
    const gemini = (apiKey: string) => new GoogleGenAI({ apiKey, httpOptions: { baseUrl: PROXY } });
    await changingNothing(stack, async () => {
      const chat = await assertRejects(
        () => openai(token).chat.completions.create({ model: "openai:gpt-4o", messages }),
        OpenAI.PermissionDeniedError,
      );
      assertEquals([chat.status, chat.code], [403, "MODEL_NOT_ALLOWED"]);
      const responses = await assertRejects(
        () => openai(token).responses.create({ model: "openai:gpt-4o", input: "Hello" }),
        OpenAI.PermissionDeniedError,
      );
      assertEquals(responses.code, "MODEL_NOT_ALLOWED");
      const claude = await assertRejects(
        () =>
          anthropic.messages.create({
            model: "anthropic:claude-opus-4-1",
            max_tokens: 10,
            messages,
          }),
        Anthropic.PermissionDeniedError,
      );
      assertMatch(claude.message, /not among the models/);
      assertMatch(JSON.stringify(claude.error), /"type":"permission_error"/);
      await readRefusal(
        stack,
        await post(stack, { token }, {
          ...QUESTION,
          model: "openai:gpt-4o-mini",
          models: ["openai:gpt-4o"],
        }),
        403,
        "MODEL_NOT_ALLOWED",
      );
    });
    const answer = await gemini(token).models.generateContent({
      model: "google:gemini-2.5-flash",
      contents: "Hello",
    });
    assert(answer.text);
    await within(["guest_models", "openai:gpt-4o-mini"], async () => {
      const refused = await assertRejects(
        () =>
          gemini(stack.details.publishableKey).models.generateContent({
            model: "google:gemini-2.5-flash",
            contents: "Hello",
          }),
        ApiError,
      );
      assertEquals(refused.status, 403);
      assertMatch(refused.message, /PERMISSION_DENIED.*guests/s);
    });
    await settled(stack);
  }));
