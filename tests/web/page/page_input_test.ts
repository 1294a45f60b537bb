/** What the page reads and did not write: its settings, Auth's refusals, and chats out of the store. */
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { problemOfAuth } from "../../../web/page/state/session_problems.ts";
import { CannotStart, settingsOf } from "../../../web/page/state/settings.ts";
import { isChat } from "../../../web/page/state/stored_chat.ts";

const SETTINGS = { url: "https://abc.supabase.co/", publishableKey: "sb_publishable_x" };

Deno.test("settings: what is missing is left out, and the address has no slash at its end", () => {
  assertEquals(settingsOf({ ...SETTINGS, name: "", demoUser: { email: "a@b.c" } }), {
    url: "https://abc.supabase.co",
    publishableKey: "sb_publishable_x",
    realtime: false,
  });
});

for (
  const [what, settings, names] of [
    ["no object", null, /JSON object/],
    ["a list", [], /JSON object/],
    ["no address", { ...SETTINGS, url: "abc.supabase.co" }, /`url`/],
    ["no key", { ...SETTINGS, publishableKey: 7 }, /`publishableKey`/],
    ["a script for a shop", { ...SETTINGS, addCredits: { url: "javascript:alert(1)" } }, /addC/],
  ] as const
) {
  Deno.test(`settings with ${what}: the page says which field to mend`, () => {
    assertMatch(assertThrows(() => settingsOf(settings), CannotStart).message, names);
  });
}

for (
  const [code, status, says] of [
    ["user_already_exists", 422, /an account with this e-mail already/],
    ["invalid_credentials", 400, /not right/],
    ["over_request_rate_limit", 429, /Wait a minute/],
    ["", 429, /Wait a minute/],
    ["weak_password", 422, /Auth's own words/],
    ["hook_timeout", 500, /Auth's own words/],
    ["signup_hook_refused", 403, /Auth's own words/],
    ["unexpected_failure", 500, /Try again in a minute/],
    ["", 0, /does not answer/],
  ] as const
) {
  Deno.test(`Auth's refusal ${code || status}: a sentence that says what to do`, () => {
    assertMatch(problemOfAuth({ code, status, message: "Auth's own words" }).message, says);
  });
}

Deno.test("a failure without status or code is a project that does not answer", () => {
  assertEquals(problemOfAuth(new TypeError("Failed to fetch")).code, "NETWORK_ERROR");
});

const MESSAGE = {
  id: "m",
  role: "assistant",
  text: "",
  reasoning: "",
  model: "openai:gpt-4o",
  createdAt: "2026-11-22T00:00:00Z",
  state: "complete",
  requestId: null,
  cost: null,
  problem: null,
};
const CHAT = {
  id: "c",
  title: "t",
  createdAt: "2026-11-22T00:00:00Z",
  updatedAt: "2026-11-22T00:00:00Z",
  model: "openai:gpt-4o",
  messages: [MESSAGE],
};

Deno.test("a stored chat is one only with all of its fields and whole messages", () => {
  assertEquals(isChat(CHAT), true);
  for (const field of Object.keys(CHAT)) {
    assertEquals(isChat({ ...CHAT, [field]: 7 }), false, field);
  }
  for (const field of Object.keys(MESSAGE)) {
    assertEquals(isChat({ ...CHAT, messages: [{ ...MESSAGE, [field]: 7 }] }), false, field);
  }
  assertEquals(isChat({ ...CHAT, messages: [{ ...MESSAGE, state: "lost" }] }), false);
  for (const value of [null, undefined, [], "chat"]) assertEquals(isChat(value), false);
});
