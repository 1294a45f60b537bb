/**
 * What lies at the provider in the operator's account, which all users share: the official SDK goes on
 * from its own user's answers, and from nobody else's.
 */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import OpenAI from "openai";
import type { TestUser } from "../support/stack.ts";
import { until } from "../support/until.ts";
import { settled, whatWasAsked } from "./clients_harness.ts";
import { assertFree, chargesOfUser, ordered, startSdkStack } from "./sdk_harness.ts";

const stack = await startSdkStack();
Deno.test.afterAll(() => stack.stop());

const MODEL = "openai:gpt-5-mini";
const ASKED = ordered({ text: "One two three.", reasoning_tokens: 5 });

function sdk({ token }: Pick<TestUser, "token">, defaultHeaders: Record<string, string> = {}) {
  return new OpenAI({
    baseURL: `${stack.functionsUrl}/chat-proxy/v1`,
    apiKey: token,
    defaultHeaders,
  });
}

type Going = { previous_response_id?: string; input: string | OpenAI.Responses.ResponseInput };

const goOn = (user: Pick<TestUser, "token">, from: Going, headers: Record<string, string> = {}) =>
  sdk(user, headers).responses.create({ model: MODEL, ...from });

/** Both ways to go on from an answer: by its id, and by those of its items. */
function waysFrom({ id, output }: Pick<OpenAI.Responses.Response, "id" | "output">): Going[] {
  const items = output.map((item) => ({ type: "item_reference" as const, id: item.id! }));
  return [
    { previous_response_id: id, input: "And then?" },
    { input: [...items, { role: "user", content: "And then?" }] },
  ];
}

Deno.test("a user goes on from what was answered, whole or streamed, in the very next request", async () => {
  const user = await stack.signUp();
  const whole = await goOn(user, { input: ASKED });
  const streamed = await sdk(user).responses.stream({ model: MODEL, input: ASKED }).finalResponse();
  for (const answer of [whole, streamed]) {
    assert(answer.output.length > 1, "there are a thought and a message");
    for (const way of waysFrom(answer)) {
      assertEquals((await goOn(user, way)).status, "completed", JSON.stringify(way));
    }
  }
  await chargesOfUser(stack, user, 6);
});

Deno.test("another user's answer is a 400 that says what to do, and costs nobody anything", async () => {
  const [user, other] = [await stack.signUp(), await stack.signUp()];
  const answer = await goOn(user, { input: ASKED });
  await chargesOfUser(stack, user, 1);
  const before = (await whatWasAsked(stack)).length;
  for (const way of waysFrom(answer)) {
    const error = await assertRejects(() => goOn(other, way), OpenAI.BadRequestError);
    assertMatch(error.message, /given to you here .*Send the conversation itself as input, /);
    assertMatch(String(error.param), /^(previous_response_id|input\[0\]\.id)$/);
  }
  // Nor by the publishable key alone, as a guest.
  await assertRejects(() => goOn({ token: stack.details.publishableKey }, waysFrom(answer)[0]!));
  assertEquals((await whatWasAsked(stack)).length, before);
  await assertFree(stack, other);
  await chargesOfUser(stack, user, 1);
});

Deno.test("an answer that was left half-way is its reader's all the same", async () => {
  const user = await stack.signUp();
  const events = await sdk(user).responses.create({
    model: MODEL,
    input: ordered({ output_tokens: 500, token_ms: 5 }),
    stream: true,
  });
  let id = "";
  for await (const event of events) {
    if (event.type === "response.created") id = event.response.id;
    if (event.type === "response.output_text.delta") break;
  }
  await settled(stack);
  assertEquals((await goOn(user, waysFrom({ id, output: [] })[0]!)).status, "completed");
});

Deno.test("a server that acts for a user goes on from that user's answers alone", async () => {
  const [user, other] = [await stack.signUp(), await stack.signUp()];
  const answer = await goOn(user, { input: ASKED });
  const [way] = waysFrom(answer);
  const server = { token: stack.details.secretKey };
  assertEquals((await goOn(server, way!, { "x-user-id": user.id })).status, "completed");
  await assertRejects(
    () => goOn(server, way!, { "x-user-id": other.id }),
    OpenAI.BadRequestError,
  );
});

Deno.test("where the operator says so, whoever knows an id may go on from it; within seconds, without a restart", async () => {
  const [user, other] = [await stack.signUp(), await stack.signUp()];
  const [way] = waysFrom(await goOn(user, { input: ASKED }));
  const pid = await stack.functionsPid();
  const tryIt = () => goOn(other, way!).then(({ status }) => status, () => null);
  assertEquals(await tryIt(), null);
  await stack.sql`select public.settings_write('{"own_stored_items_only": false}')`;
  await until("another's answer to be gone on from", async () => await tryIt() === "completed");
  await stack.sql`select public.settings_write('{"own_stored_items_only": true}')`;
  await until("it to be refused again", async () => await tryIt() === null);
  assertEquals(await stack.functionsPid(), pid);
});
