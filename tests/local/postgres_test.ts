import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import postgres from "postgres";
import { type Postgres, type PostgresOptions, startPostgres } from "../../local/postgres.ts";

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "farebox-postgres-" });
  // As root, PostgreSQL runs as another account, which has to get in here.
  await Deno.chmod(folder, 0o755);
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function query<T>(server: Postgres, statement: string): Promise<T[]> {
  const sql = postgres(server.url, { max: 1, onnotice: () => {} });
  try {
    return [...await sql.unsafe(statement)] as unknown as T[];
  } finally {
    await sql.end();
  }
}

Deno.test({
  name:
    "what was committed is there after a stop, after kill -9, with a stale pid file, and on another port",
  // The server's child process outlives one call and ends within the test.
  sanitizeResources: false,
  sanitizeOps: false,
  fn: () =>
    withFolder(async (dataDir) => {
      const servers: Postgres[] = [];
      const start = async (options: Partial<PostgresOptions> = {}) => {
        servers.push(await startPostgres({ dataDir, ...options }));
        return servers.at(-1)!;
      };
      try {
        const first = await start();
        await query(first, "create table public.t as select 1 as a");
        await first.stop();

        const second = await start({ ports: [first.port] });
        assertEquals(await query(second, "select a from public.t"), [{ a: 1 }]);
        assertNotEquals(second.pid, first.pid);
        await second.kill();

        // Worse than kill -9: after a restart of the machine the number belongs to somebody else.
        const pidFile = join(dataDir, "cluster", "postmaster.pid");
        const lines = (await Deno.readTextFile(pidFile)).split("\n");
        await Deno.writeTextFile(pidFile, [Deno.pid, ...lines.slice(1)].join("\n"));

        const third = await start();
        assertEquals(await query(third, "select a from public.t"), [{ a: 1 }]);

        // A run that was killed leaves its server behind: the next one replaces it.
        const fourth = await start();
        await third.exited;
        assertEquals(await query(fourth, "select a from public.t"), [{ a: 1 }]);
        await fourth.stop();

        const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
        const fifth = await start({ ports: [taken.addr.port, first.port] });
        assertEquals(fifth.port, first.port);
        await fifth.stop();
        await assertRejects(
          () => start({ ports: [taken.addr.port] }),
          Error,
          "Address already in use",
        );
        taken.close();

        const fresh = await start({ fresh: true });
        assertEquals(await query(fresh, "select to_regclass('public.t') as t"), [{ t: null }]);
        assertEquals(await query(fresh, "show listen_addresses"), [
          { listen_addresses: "127.0.0.1" },
        ]);
      } finally {
        for (const server of servers) await server.stop();
      }
    }),
});
