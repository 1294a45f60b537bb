/** What an isolate remembers of accounts, where remembering is hard. */
import { assert, assertEquals } from "@std/assert";
import { parseUsd } from "../../../shared/pricing/money.ts";
import { createKnownAccounts } from "../../../supabase/functions/chat-proxy/known_accounts.ts";
import { RESERVATION } from "./handler_harness.ts";

const ONE = parseUsd("1");
const told = (available: string, expiresAt = "2026-11-23T00:00:10Z") => ({
  ...RESERVATION,
  enforcement: "enforce" as const,
  output_limited_by: "client" as const,
  available,
  expires_at: expiresAt,
});

function accountsOn(clock = { nowMs: 1_000_000 }) {
  return { clock, accounts: createKnownAccounts(() => clock.nowMs) };
}

Deno.test("the older of two answers of reserve, arriving last, raises nothing", () => {
  const { accounts } = accountsOn();
  accounts.noteReserved("u", told("0.2", "2026-11-23T00:00:20Z"));
  accounts.noteReserved("u", told("9", "2026-11-23T00:00:10Z"));
  assertEquals(accounts.setAside("u", ONE, ONE), undefined);
  accounts.noteReserved("u", told("9", "2026-11-23T00:00:30Z"));
  assert(accounts.setAside("u", ONE, ONE) !== undefined);
  const left = (remaining: number, expiresAt: string) => ({
    ...told("9", expiresAt),
    requests_limit: { limit: 60, remaining, reset_seconds: 40 },
  });
  accounts.noteReserved("v", left(2, "2026-11-23T00:00:20Z"));
  accounts.noteReserved("v", left(50, "2026-11-23T00:00:10Z"));
  assertEquals(accounts.setAside("v", ONE, ONE), undefined, "so few requests are left");
});

Deno.test("a thousand other users make nobody forget who is distrusted, or what is set aside", () => {
  const { accounts } = accountsOn();
  for (const user of ["distrusted", "busy"]) accounts.noteReserved(user, told("1.5"));
  accounts.distrust("distrusted");
  const giveBack = accounts.setAside("busy", ONE, ONE);
  for (let n = 0; n < 2_000; n++) accounts.noteReserved(`other ${n}`, told("9"));
  for (const user of ["distrusted", "busy"]) {
    accounts.noteReserved(user, told("1.5"));
    assertEquals(accounts.setAside(user, ONE, ONE), undefined, user);
  }
  giveBack?.();
  assert(accounts.setAside("busy", ONE, ONE) !== undefined);
});

Deno.test("who starts early is not the one that was not used for longest", () => {
  const { accounts } = accountsOn();
  accounts.noteReserved("early", told("9"));
  for (let n = 0; n < 999; n++) accounts.noteReserved(`other ${n}`, told("9"));
  accounts.setAside("early", ONE, ONE)?.();
  accounts.noteReserved("one more", told("9"));
  assert(accounts.setAside("early", ONE, ONE) !== undefined);
  assertEquals(accounts.setAside("other 0", ONE, ONE), undefined);
});

Deno.test("a key is known among a user's last 32", () => {
  const { accounts } = accountsOn();
  for (let n = 0; n < 32; n++) assert(accounts.isNewKey("u", `key ${n}`));
  assertEquals(accounts.isNewKey("u", "key 0"), false);
});
