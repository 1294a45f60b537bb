/** A backend that dies takes nothing along but what ran on it. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { type Lease, replaceLostConnections } from "../../local/data_api_connections.ts";
import { surviveLostSockets } from "../../local/lost_sockets.ts";
import { connect, type Sql } from "../support/connect.ts";
import { openDatabase } from "../support/database.ts";
import { until } from "../support/until.ts";

const CONNECTIONS = 2;

interface Pool {
  reserve(): Promise<Lease>;
  /** Ends backends, and resolves when this side has heard of it. */
  kill(...pids: readonly number[]): Promise<void>;
  end(): Promise<void>;
  /** Below the connections, in the order in which they were opened. */
  readonly sockets: readonly Socket[];
  readonly sql: Sql;
}

async function withPool(test: (pool: Pool) => Promise<void>): Promise<void> {
  const database = await openDatabase();
  const forgetLostSockets = surviveLostSockets();
  let closed = 0;
  const sockets: Socket[] = [];
  const options = {
    max: CONNECTIONS,
    connection: { application_name: "leased" },
    onclose: () => void closed++,
    socket: async ({ host, port }: { host: string[]; port: number[] }) => {
      const socket = createConnection({ host: host[0]!, port: port[0]! });
      sockets.push(socket);
      await once(socket, "connect");
      return socket;
    },
  };
  const driver = connect(database.url, options);
  replaceLostConnections(driver);
  try {
    await test({
      reserve: () => driver.reserve() as unknown as Promise<Lease>,
      async kill(...pids) {
        const expected = closed + pids.length;
        await database.sql`select pg_terminate_backend(pid) from unnest(${pids}::int[]) as pid`;
        await until("the connections to be closed", () => closed >= expected);
      },
      end: () => driver.end({ timeout: 1 }),
      sockets,
      sql: database.sql,
    });
  } finally {
    await driver.end({ timeout: 1 });
    forgetLostSockets();
    await database.close();
  }
}

const backendOf = async (lease: Lease) =>
  (await lease.unsafe("select pg_backend_pid() as pid", []) as { pid: number }[])[0]!.pid;

const numbersFrom = async (lease: Lease) =>
  (await Promise.all(
    ["1", "2", "3"].map((text) => lease.unsafe("select $1::int as number", [text])),
  ) as { number: number }[][]).map((rows) => rows[0]!.number);

Deno.test("the rest of a transaction whose connection was lost is refused, and runs nowhere else", () =>
  withPool(async ({ reserve, kill, sql }) => {
    await sql`create table public.steps (step int)`;
    const lease = await reserve();
    await lease.unsafe("begin", []);
    await lease.unsafe("insert into public.steps values (1)", []);
    await kill(await backendOf(lease));
    for (const step of ["insert into public.steps values (2)", "commit"]) {
      await assertRejects(() => lease.unsafe(step, []), Error, "was lost");
    }
    lease.release();
    assertEquals([...await sql`select step from public.steps`], []);
  }));

Deno.test("what runs on a connection that is lost fails, and so does what waits behind it; then each query gets its own answer", () =>
  withPool(async ({ reserve, kill }) => {
    for (let round = 0; round < 3 * CONNECTIONS; round++) {
      const leases = [await reserve(), await reserve()];
      const pids = await Promise.all(leases.map(backendOf));
      const failing = leases.flatMap((lease) =>
        ["select pg_sleep(60)", "select 'behind it'"].map((text) =>
          assertRejects(() => lease.unsafe(text, []), Error)
        )
      );
      const killed = kill(...pids);
      await Promise.all(failing);
      for (const lease of leases) lease.release();
      const next = await reserve();
      assertEquals(await numbersFrom(next), [1, 2, 3]);
      next.release();
      await killed;
    }
  }));

Deno.test("connections that are lost while nobody has them are replaced, and a query that fails loses none", () =>
  withPool(async ({ reserve, kill }) => {
    for (let round = 0; round < 3 * CONNECTIONS; round++) {
      const leases = [await reserve(), await reserve()];
      const pids = await Promise.all(leases.map(backendOf));
      const [first, second] = leases;
      await assertRejects(() => first!.unsafe("select 1 / 0", []), Error, "division by zero");
      assertEquals(await backendOf(first!), pids[0]);
      first!.release();
      second!.release();
      await kill(...pids);
      const next = await reserve();
      assertEquals(await numbersFrom(next), [1, 2, 3]);
      next.release();
    }
  }));

Deno.test("whoever waits for a connection gets the one that replaces a lost one, and there are never more than allowed", () =>
  withPool(async ({ reserve, kill, sql }) => {
    const held = [await reserve(), await reserve()];
    const pids = await Promise.all(held.map(backendOf));
    const waiting = [reserve(), reserve(), reserve()];
    await kill(...pids);
    for (const lease of held) lease.release();
    for (const promise of waiting) {
      const lease = await promise;
      assert(!pids.includes(await backendOf(lease)), "a lost one");
      const [{ count }] = await sql<[{ count: number }]>`
        select count(*)::int as count from pg_stat_activity where application_name = 'leased'
          and datname = current_database()`;
      assert(count <= CONNECTIONS, `${count} connections`);
      lease.release();
    }
  }));

Deno.test("a query that is asked between a socket's error and its end is refused", () =>
  withPool(async ({ reserve, sockets }) => {
    const lease = await reserve();
    await lease.unsafe("begin", []);
    const asked = Promise.withResolvers<unknown>();
    sockets[0]!.on(
      "error",
      () => void lease.unsafe("commit", []).then(asked.resolve, asked.reject),
    );
    sockets[0]!.destroy(new Error("reset by peer"));
    await assertRejects(() => asked.promise, Error, "was lost");
    lease.release();
    assertEquals(await numbersFrom(await reserve()), [1, 2, 3]);
  }));

Deno.test("an error of the driver's own loses no connection", () =>
  withPool(async ({ reserve }) => {
    const lease = await reserve();
    const pid = await backendOf(lease);
    const wrong = lease.unsafe("select $1::text", [undefined] as unknown as string[]);
    await assertRejects(() => wrong, Error, "UNDEFINED_VALUE");
    assertEquals(await backendOf(lease), pid);
    lease.release();
  }));

Deno.test("who waits for a connection when all are closed is told so, as is whoever comes later", () =>
  withPool(async ({ reserve, end }) => {
    const held = [await reserve(), await reserve()];
    const waiting = assertRejects(reserve, Error, "was lost");
    await end();
    await waiting;
    for (const lease of held) lease.release();
    await assertRejects(reserve, Error, "was lost");
  }));
