/** The receipt of an answer that has just ended, and of one that is long past. */
import { assertEquals, assertRejects } from "@std/assert";
import { FareboxError } from "../../../web/client/mod.ts";
import { fakeAuth, REQUEST_ID, startStandIn, USER_ID } from "./stand_in.ts";

const RECEIPT = {
  request_id: REQUEST_ID,
  cost: "0.25",
  collected: "0.02",
  balance_after: "0",
  basis: "reported",
  chat_id: "c1",
  lines: [{ class: "input", tokens: 3 }, { class: "web_search", count: 2 }],
};

interface Ledger {
  /** What is held, at each look; the last one stays. */
  reserved: string[];
  /** Ids in the list of charges, at each look; the last one stays. */
  lists: string[][];
  nextBefore: string | null;
}

function startLedger(ledger: Ledger) {
  const auth = fakeAuth();
  const standIn = startStandIn(auth);
  const next = <T>(of: T[]): T => of.length > 1 ? of.shift()! : of[0]!;
  standIn.respond = (path) => {
    if (path === "/balance") {
      return Response.json({ balance: 1, available: "1", reserved: next(ledger.reserved) });
    }
    if (path === "/balance/usage") {
      const records = next(ledger.lists).map((request_id) => ({ request_id }));
      return Response.json({ records, next_before: ledger.nextBefore });
    }
    return Response.json(RECEIPT);
  };
  return { standIn, farebox: standIn.farebox(), auth };
}

Deno.test("a receipt that is waited for is asked for when its charge is listed, and told to who shows costs", async () => {
  const { standIn, farebox } = startLedger({
    reserved: ["0.5", "0.5", "0"],
    lists: [[], [], [REQUEST_ID]],
    nextBefore: null,
  });
  const told: unknown[] = [];
  farebox.onCost((cost) => told.push(cost));
  assertEquals((await farebox.receipt(REQUEST_ID, { waitMs: 5_000 })).cost, "0.25");
  assertEquals(standIn.paths.filter((path) => path.includes("/receipts/")).length, 1);
  assertEquals(told, [{ chatId: "c1", requestId: REQUEST_ID }]);
  await farebox.receipt(REQUEST_ID, { waitMs: 5_000 });
  assertEquals(told.length, 1, "what is there at once is no news");
  await standIn.stop();
});

Deno.test("a charge that is older than the list is found, and nothing is called uncharged that may be", async () => {
  const { standIn, farebox } = startLedger({
    reserved: ["0"],
    lists: [["another"]],
    nextBefore: "1.2",
  });
  assertEquals((await farebox.receipt(REQUEST_ID, { waitMs: 1_000 })).request_id, REQUEST_ID);
  await standIn.stop();
});

Deno.test("where nothing is held and the whole list lacks it, nothing was charged", async () => {
  const { standIn, farebox } = startLedger({ reserved: ["0"], lists: [[]], nextBefore: null });
  const error = await assertRejects(
    () => farebox.receipt(REQUEST_ID, { waitMs: 1_000 }),
    FareboxError,
  );
  assertEquals((error as FareboxError).code, "REQUEST_NOT_FOUND");
  assertEquals(standIn.paths.filter((path) => path.includes("/receipts/")), []);
  await standIn.stop();
});

Deno.test("who is signed in is told soon, and at each change only", async () => {
  const { standIn, farebox, auth } = startLedger({
    reserved: ["0"],
    lists: [[]],
    nextBefore: null,
  });
  const told: (string | null)[] = [];
  const stop = farebox.onOwner((owner) => told.push(owner));
  await Promise.resolve();
  auth.become(USER_ID);
  auth.become(null);
  auth.become("another");
  stop();
  auth.become(null);
  assertEquals(told, [USER_ID, null, "another"]);
  await standIn.stop();
});

Deno.test("a guest's token is sent without a session, and never with one", async () => {
  const auth = fakeAuth(null);
  const standIn = startStandIn(auth);
  const sent: (string | null)[] = [];
  standIn.respond = (_path, request) => {
    sent.push(request.headers.get("x-guest-token"));
    return new Response('{"data":[]}', { headers: { "x-guest-token": "v1.guest" } });
  };
  const farebox = standIn.farebox();
  await farebox.models();
  await farebox.models();
  auth.become(USER_ID);
  await farebox.models();
  assertEquals(sent, [null, "v1.guest", null]);
  await standIn.stop();
});
