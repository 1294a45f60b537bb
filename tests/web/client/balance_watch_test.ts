/** The balance as a page is told it: never an older one over a newer, and nothing left behind. */
import { assert, assertEquals } from "@std/assert";
import type { Farebox, FareboxOptions } from "../../../web/client/farebox.ts";
import { until } from "../../support/until.ts";
import { balancesOf, hear } from "./client_harness.ts";
import {
  balanceAnswer,
  comment,
  delta,
  DONE,
  type FakeAuth,
  fakeAuth,
  startStandIn,
  streamHeaders,
  USER_ID,
} from "./stand_in.ts";

const REQUEST = { model: "openai:gpt-4o", messages: [{ role: "user" as const, content: "Hi" }] };

/** Functions whose answers a test holds back and gives when it likes. */
interface Held {
  readonly auth: FakeAuth;
  farebox(more?: Partial<FareboxOptions>): Farebox;
  /** Requests for the balance that wait for their answer, oldest first. */
  readonly asked: ((response: Response) => void)[];
  /** How often the balance was asked for. */
  count(): number;
  /** What `GET balance` answers at once; while null, each waits in `asked`. */
  balance: string | null;
  /** What the next chat says of the balance after it. */
  charged: string;
}

async function withHeld(test: (held: Held) => Promise<void>, user: string | null = USER_ID) {
  const auth = fakeAuth(user);
  const standIn = startStandIn(auth);
  const made: Farebox[] = [];
  const held: Held = {
    auth,
    asked: [],
    balance: "10",
    charged: "9",
    count: () => standIn.paths.filter((path) => path === "/balance").length,
    farebox(more = {}) {
      const farebox = standIn.farebox({ pollMs: 60_000, ...more });
      made.push(farebox);
      return farebox;
    },
  };
  standIn.respond = (path) => {
    if (path !== "/balance") {
      const body = delta({ content: "Hi" }, "stop") + comment("1", held.charged) + DONE;
      return new Response(body, { headers: streamHeaders() });
    }
    if (held.balance !== null) return balanceAnswer(held.balance);
    return new Promise((resolve) => held.asked.push(resolve));
  };
  try {
    await test(held);
  } finally {
    for (const farebox of made) farebox.close();
    for (const answer of held.asked) answer(balanceAnswer("0"));
    await standIn.stop();
  }
}

const values = (told: readonly { kind: string }[]) =>
  told.map((balance) => "balance" in balance ? balance.balance : balance.kind);

async function chat(held: Held, farebox: Farebox, charged: string): Promise<void> {
  held.charged = charged;
  assertEquals((await hear(farebox.streamChat(REQUEST))).error, undefined);
}

Deno.test("a poll that was under way when a cost came does not undo it, and is asked again", () =>
  withHeld(async (held) => {
    const farebox = held.farebox();
    const balances = balancesOf(farebox);
    await until("the first balance", () => balances.last() === "10");
    held.balance = null;
    const refreshing = farebox.refreshBalance();
    await until("the poll", () => held.asked.length === 1);
    await chat(held, farebox, "9");
    assertEquals(balances.last(), "9");
    held.asked[0]!(balanceAnswer("10"));
    await until("the second question", () => held.asked.length === 2);
    assertEquals(values(balances.told), ["10", "9"], "the old answer was told to nobody");
    held.balance = "9";
    held.asked[1]!(balanceAnswer("9"));
    await refreshing;
    assertEquals(values(balances.told), ["10", "9", "9"]);
  }));

Deno.test("costs of two answers that come in the wrong order leave the lower balance, then the true one", () =>
  withHeld(async (held) => {
    const farebox = held.farebox();
    const balances = balancesOf(farebox);
    await until("the first balance", () => balances.last() === "10");
    held.balance = "8.5";
    await chat(held, farebox, "8.5");
    await chat(held, farebox, "9");
    await until("the true one", () => balances.told.length >= 3);
    assertEquals(new Set(values(balances.told).slice(1)), new Set(["8.5"]));
  }));

Deno.test("a balance that a credit raised meanwhile is asked for, not guessed", () =>
  withHeld(async (held) => {
    const farebox = held.farebox();
    const balances = balancesOf(farebox);
    await until("the first balance", () => balances.last() === "10");
    held.balance = "19";
    await chat(held, farebox, "19");
    await until("the credit", () => balances.last() === "19");
    const balance = balances.told.at(-1);
    assert(balance?.kind === "user" && balance.available === "19", "it is the functions' word");
  }));

Deno.test("digits beyond what a float holds decide which balance is lower", () =>
  withHeld(async (held) => {
    held.balance = "9007199254.7409930002";
    const farebox = held.farebox();
    const balances = balancesOf(farebox);
    await until("the first balance", () => balances.last() === "9007199254.7409930002");
    held.balance = null;
    await chat(held, farebox, "9007199254.7409930001");
    assertEquals(balances.last(), "9007199254.7409930001");
  }));

Deno.test("the balance of somebody who has signed out is told to nobody, though its answer comes late", () =>
  withHeld(async (held) => {
    held.balance = null;
    const farebox = held.farebox();
    const balances = balancesOf(farebox);
    await until("the user's question", () => held.asked.length === 1);
    held.auth.become("another");
    held.asked[0]!(balanceAnswer("10"));
    await until("the other's question", () => held.asked.length === 2);
    held.balance = "3";
    held.asked[1]!(balanceAnswer("3"));
    await until("the other's balance", () => balances.last() === "3");
    assert(!values(balances.told).includes("10"));
  }));

Deno.test("many who listen share one question; a late one is told at once; the last to go ends it all", () =>
  withHeld(async (held) => {
    const farebox = held.farebox({ pollMs: 30 });
    const many = Array.from({ length: 5 }, () => balancesOf(farebox));
    await until("all to be told", () => many.every(({ told }) => told.length > 0));
    assertEquals(many[0]!.told.length, held.count());
    const late = balancesOf(farebox);
    await until("the late one", () => late.last() === "10");
    assertEquals(held.auth.listeners, 1);
    const before = held.count();
    await until("polls", () => held.count() > before + 2);
    for (const { stop } of [...many, late]) stop();
    assertEquals(held.auth.listeners, 0);
    const settled = held.count();
    await new Promise((resolve) => setTimeout(resolve, 150));
    assert(held.count() <= settled + 1, "at most the one that was under way");
  }));

Deno.test("polling goes on after failures, and tells the first good answer", () =>
  withHeld(async (held) => {
    held.balance = null;
    const farebox = held.farebox({ pollMs: 20 });
    const balances = balancesOf(farebox);
    for (let failures = 0; failures < 3; failures++) {
      await until("a poll", () => held.asked.length > failures);
      held.asked[failures]!(new Response("<h1>No</h1>", { status: 502 }));
    }
    await until("one more", () => held.asked.length > 3);
    held.balance = "7";
    held.asked[3]!(balanceAnswer("7"));
    await until("the balance", () => balances.last() === "7");
    await farebox.refreshBalance();
  }));

Deno.test("while the page is hidden nothing is asked; coming back, or online again, asks at once", () =>
  withHeld(async (held) => {
    const page = Object.assign(new EventTarget(), { visibilityState: "visible" });
    Object.assign(globalThis, { document: page });
    try {
      const farebox = held.farebox({ pollMs: 20 });
      const balances = balancesOf(farebox);
      await until("polls", () => balances.told.length > 2);
      page.visibilityState = "hidden";
      await until("the last poll to end", async () => {
        const before = held.count();
        await new Promise((resolve) => setTimeout(resolve, 80));
        return held.count() === before;
      });
      globalThis.dispatchEvent(new Event("focus"));
      held.balance = "6";
      page.visibilityState = "visible";
      page.dispatchEvent(new Event("visibilitychange"));
      await until("the new balance", () => balances.last() === "6");
      farebox.close();
      const slow = held.farebox();
      const later = balancesOf(slow);
      await until("the first", () => later.last() === "6");
      held.balance = "5";
      globalThis.dispatchEvent(new Event("online"));
      await until("the balance once online", () => later.last() === "5");
    } finally {
      Reflect.deleteProperty(globalThis, "document");
    }
  }));

Deno.test("other tabs of the same person hear of a cost at once, tabs of others do not", () =>
  withHeld(async (held) => {
    const mine = balancesOf(held.farebox());
    const others = startOther();
    const spender = held.farebox();
    await until("the first balances", () => mine.last() === "10" && others.count() > 0);
    held.balance = null;
    await chat(held, spender, "9");
    await until("the other tab", () => mine.last() === "9");
    assertEquals(others.values(), ["10"]);

    /** Somebody else in the same browser: the same project's address, another session. */
    function startOther() {
      const auth = fakeAuth("somebody-else");
      const told = balancesOf(held.farebox({ supabase: auth.supabase })).told;
      return { count: () => told.length, values: () => values(told) };
    }
  }));

Deno.test("a listener that stops listening while it is told is told no more, and the others are", () =>
  withHeld(async (held) => {
    const farebox = held.farebox({ pollMs: 20 });
    let once = 0;
    const stop = farebox.onBalance(() => {
      once++;
      stop();
    });
    const balances = balancesOf(farebox);
    await until("some polls", () => balances.told.length > 3);
    assertEquals(once, 1);
  }));

Deno.test("after a cost the functions are asked what is left, though the comment has told the balance", () =>
  withHeld(async ({ farebox: make, count }) => {
    const farebox = make();
    const balances = balancesOf(farebox);
    await until("the balance", () => balances.last() === "10");
    const before = count();
    await hear(farebox.streamChat(REQUEST));
    assertEquals(balances.last(), "9");
    await until("the functions to be asked", () => count() > before);
  }));

Deno.test("nobody who begins to listen is told what somebody else had", () =>
  withHeld(async (held) => {
    const farebox = held.farebox();
    const first = balancesOf(farebox);
    await until("the balance", () => first.last() === "10");
    held.balance = null;
    held.auth.become("7c1f0d5e-0000-4000-8000-000000000002");
    const second = balancesOf(farebox);
    await until("the other's balance to be asked for", () => held.asked.length > 0);
    assertEquals(second.told, []);
    for (const answer of held.asked.splice(0)) answer(balanceAnswer("3"));
    await until("the other's balance", () => second.last() === "3");
  }));
