/** Signing up through the stack, with the before-user-created hook called as Supabase Auth does. */
import { assert, assertEquals } from "@std/assert";
import { Webhook } from "standardwebhooks";
import { askSignUpHook, signUpPayload } from "../../local/sign_up_hook.ts";
import { ask } from "../support/charges.ts";
import { startTestStack } from "../support/stack.ts";
import { post, QUESTION, settled, signUp } from "./clients_harness.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());

type Session = { token: string; id: string };

async function signedUp(email: string): Promise<Session> {
  const response = await signUp(stack, email);
  const body = await response.json();
  assertEquals(response.status, 200, JSON.stringify(body));
  return { token: body.access_token, id: body.user.id };
}

const balanceOf = async (session: Session) => (await ask(stack, session)).balance;

/** How many welcomes our address has had today. */
async function welcomedHere(): Promise<number> {
  const [row] = await stack.sql`
    select count(*)::int as welcomed from billing.sign_up_decisions
    where amount > 0 and created_at > now() - interval '1 day' and address_hash = (
      select address_hash from billing.sign_up_decisions where address_hash is not null limit 1
    )`;
  return row!.welcomed;
}

/** Settings for one test, put back after it. */
async function withSettings(change: Record<string, unknown>, test: () => Promise<void>) {
  const [before] = await stack.sql`select * from billing.settings`;
  await stack.sql`update billing.settings set ${stack.sql(change)}`;
  try {
    await test();
  } finally {
    const names = Object.keys(change);
    const old = Object.fromEntries(names.map((name) => [name, before![name]]));
    await stack.sql`update billing.settings set ${stack.sql(old)}`;
  }
}

Deno.test("a sign-up with a blocked e-mail domain is 403 with the message, and leaves no user and no account", async () => {
  await withSettings({ blocked_email_domains: ["Trash.example", "spam.example"] }, async () => {
    for (const email of ["a@trash.example", "a@TRASH.Example", "b.c+d@spam.example"]) {
      const response = await signUp(stack, email);
      assertEquals(response.status, 403);
      const body = await response.json();
      assertEquals(
        body.msg,
        "Sign-up with this e-mail provider is not possible. Use another e-mail address.",
      );
      assertEquals(body.access_token, undefined);
      const users = await stack.sql`select id from auth.users where email = lower(${email})`;
      assertEquals(users.length, 0);
    }
    for (const email of ["a@nottrash.example", "trash.example@fine.example"]) {
      assertEquals(await balanceOf(await signedUp(email)), 10);
    }
  });
  assertEquals(await balanceOf(await signedUp("a@trash.example")), 10);
});

Deno.test("the same mailbox signs up again by another spelling, but gets no second welcome", async () => {
  const first = await signedUp("Jane.Doe@gmail.com");
  assertEquals(await balanceOf(first), 10);
  for (
    const email of [
      "janedoe+1@gmail.com",
      "j.a.n.e.d.o.e@gmail.com",
      "JANEDOE+x+y@GoogleMail.com",
    ]
  ) {
    const again = await signedUp(email);
    assertEquals(await balanceOf(again), 0, email);
    const refused = await post(stack, again, QUESTION);
    assertEquals(refused.status, 402);
    assertEquals((await refused.json()).code, "INSUFFICIENT_BALANCE");
    assertEquals(
      (await ask<{ transactions: unknown[] }>(stack, again, "/transactions")).transactions,
      [],
    );
  }
  // Elsewhere a dot is another mailbox, and a tag is not.
  assertEquals(await balanceOf(await signedUp("jane.doe@mail.example")), 10);
  assertEquals(await balanceOf(await signedUp("janedoe@mail.example")), 10);
  assertEquals(await balanceOf(await signedUp("janedoe+tag@mail.example")), 0);
});

Deno.test("ten spellings of one mailbox that sign up at once get one welcome in all", async () => {
  const sessions = await Promise.all(
    Array.from({ length: 10 }, (_, i) => signedUp(`bulk+${i}@gmail.com`)),
  );
  const balances = await Promise.all(sessions.map(balanceOf));
  assertEquals(balances.filter((balance) => balance === 10).length, 1);
  assertEquals(balances.filter((balance) => balance === 0).length, 9);
});

Deno.test("an address earns so many welcomes a day; further users sign up without credit, and can be given some", async () => {
  const welcomed = await welcomedHere();
  await withSettings({ welcome_per_address_per_day_max: welcomed + 2 }, async () => {
    const balances: unknown[] = [];
    const sessions: Session[] = [];
    for (const i of [1, 2, 3, 4]) {
      const session = await signedUp(`cap${i}@example.org`);
      sessions.push(session);
      balances.push(await balanceOf(session));
    }
    assertEquals(balances, [10, 10, 0, 0]);
    const last = sessions.at(-1)!;
    await stack.sql`select public.grant_credit(${last.id}, '1', 'top_up', 'paid-1', null)`;
    const response = await post(stack, last, QUESTION);
    assertEquals(response.status, 200, await response.text());
    await settled(stack);

    await stack.sql`
      update billing.sign_up_decisions set created_at = created_at - interval '25 hours'`;
    assertEquals(await balanceOf(await signedUp("cap5@example.org")), 10, "a day later");
  });
});

Deno.test("of ten sign-ups from one address that are decided at once as many earn the welcome as it has left", async () => {
  // Not through Auth: ten passwords at once can take a busy machine so long that the hook lets the
  // sign-ups pass undecided, as it must.
  const hook = { uri: `${stack.functionsUrl}/init-balance`, secrets: [stack.hookSecret] };
  await withSettings({ welcome_per_address_per_day_max: 3 }, async () => {
    const ids = Array.from({ length: 10 }, () => crypto.randomUUID());
    const verdicts = await Promise.all(ids.map((id) => {
      const user = { email: `${id}@example.org`, appMetadata: {}, userMetadata: {} };
      return askSignUpHook(hook, { id, ...user, isAnonymous: false }, "198.51.100.77");
    }));
    assertEquals(verdicts.map(({ kind }) => kind), Array(10).fill("allowed"));
    const earned = await stack.sql`
      select from billing.sign_up_decisions where user_id = any (${ids}) and amount > 0`;
    assertEquals(earned.length, 3);
  });
});

Deno.test("the welcome credit is what the settings say, also when that is nothing", async () => {
  await withSettings({ welcome_credit: "2.5" }, async () => {
    assertEquals(await balanceOf(await signedUp("half@example.net")), 2.5);
  });
  await withSettings({ welcome_credit: "0" }, async () => {
    const poor = await signedUp("none@example.net");
    assertEquals(await balanceOf(poor), 0);
    assertEquals(await balanceOf(poor), 0, "nor on the next look");
  });
});

Deno.test("a user who signs up twice is told so by Auth, and is not welcomed twice", async () => {
  const session = await signedUp("twice@example.net");
  const again = await signUp(stack, "twice@example.net");
  assert(!again.ok);
  await again.body?.cancel();
  const decisions = await stack.sql`
    select granted_to from billing.sign_up_decisions
    where email_hash = billing.email_hash('twice@example.net')`;
  assertEquals(decisions.map(({ granted_to }) => granted_to), [session.id]);
  assertEquals(await balanceOf(session), 10);
});

Deno.test("an anonymous user earns nothing until they convert, and then what their e-mail address earns", async () => {
  const convert = async (email: string) => {
    const id = crypto.randomUUID();
    // The stack's Auth has no anonymous sign-in: what it would do, step by step.
    await stack.sql`select public.decide_sign_up(${id}, null, ${"a".repeat(64)}, true)`;
    await stack.sql`insert into auth.users (id, is_anonymous) values (${id}, true)`;
    const balance = async () => {
      const [row] = await stack.sql`
        select public.account_balance(${id}) ->> 'balance' as balance`;
      return row!.balance;
    };
    assertEquals(await balance(), "0", "anonymous");
    await stack.sql`
      update auth.users set is_anonymous = false, email = ${email} where id = ${id}`;
    return await balance();
  };
  assertEquals(await convert("converted@gmail.com"), "10");
  assertEquals(await convert("con.verted+again@gmail.com"), "0", "the same mailbox");
  await withSettings({ blocked_email_domains: ["trash.example"] }, async () => {
    assertEquals(await convert("anybody@trash.example"), "0", "a blocked domain");
  });
  assertEquals(await convert("anybody@fine.example"), "10");
});

Deno.test("a sign-up hook with a bad, missing or old signature is 401, and decides nothing", async () => {
  const payload = JSON.stringify(signUpPayload(
    {
      id: crypto.randomUUID(),
      email: "hook@example.net",
      appMetadata: {},
      userMetadata: {},
      isAnonymous: false,
    },
    "203.0.113.9",
    new Date(),
  ));
  const send = (secret: string | null, ageSeconds: number) => {
    const time = new Date(Date.now() - ageSeconds * 1000);
    const signed = secret === null ? {} : {
      "webhook-signature": new Webhook(secret.replace(/^v1,/, "")).sign("msg_1", time, payload),
    };
    return fetch(`${stack.functionsUrl}/init-balance`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "webhook-id": "msg_1",
        "webhook-timestamp": String(Math.floor(time.getTime() / 1000)),
        ...signed,
      },
      body: payload,
    });
  };
  const count = async () => (await stack.sql`select from billing.sign_up_decisions`).length;
  const before = await count();
  const foreign = `v1,whsec_${btoa("another secret of 24 bytes")}`;
  for (const [secret, age] of [[foreign, 0], [null, 0], [stack.hookSecret, 301]] as const) {
    const response = await send(secret, age);
    const body = await response.json();
    assertEquals([response.status, body.code, body.error.code], [
      401,
      "UNAUTHENTICATED",
      "UNAUTHENTICATED",
    ]);
  }
  assertEquals(await count(), before);
  for (const _ of ["sent", "replayed"]) {
    const response = await send(stack.hookSecret, 0);
    assertEquals([response.status, await response.json()], [200, {}]);
  }
  assertEquals(await count(), before + 1);
});
