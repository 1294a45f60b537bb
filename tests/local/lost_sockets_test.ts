/** A PostgreSQL that goes away under the driver takes nothing of the local stack with it. */
import { assertEquals, assertMatch } from "@std/assert";

/** A server that lets the driver in, and then is gone: before it says anything, or in mid-answer. */
function startDyingServer(lastWords: Uint8Array): Deno.TcpListener {
  const server = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serve = async (connection: Deno.TcpConn) => {
    const buffer = new Uint8Array(4_096);
    await connection.read(buffer);
    await connection.write(READY);
    await connection.read(buffer);
    await connection.write(lastWords);
    connection.close();
  };
  void (async () => {
    for await (const connection of server) void serve(connection).catch(() => {});
  })();
  return server;
}

/** AuthenticationOk, ReadyForQuery. */
const READY = new Uint8Array([82, 0, 0, 0, 8, 0, 0, 0, 0, 90, 0, 0, 0, 5, 73]);
/** ErrorResponse: FATAL, 57P01, ReadyForQuery. */
const SHUTTING_DOWN = new TextEncoder().encode(
  "E\0\0\0\x1dSFATAL\0C57P01\0Mshutdown\0\0Z\0\0\0\x05I",
);

const SURVIVED = {
  code: 0,
  out: "still here",
  error: "database: a connection was lost while it was in use",
};

/** Runs a program in a process of its own, which an unhandled error would end. */
async function outputOf(program: string): Promise<{ code: number; out: string; error: string }> {
  const script = await Deno.makeTempFile({ suffix: ".ts" });
  const room = new URL("../../local/lost_sockets.ts", import.meta.url).href;
  try {
    await Deno.writeTextFile(
      script,
      `import { surviveLostSockets } from ${JSON.stringify(room)};
      const ofDriver = (error: Error, code?: string) => {
        error.stack += "\\n    at Immediate.nextWrite (file:///npm/postgres/3.4.9/src/connection.js:255:22)";
        return code === undefined ? error : Object.assign(error, { code });
      };
      const ended = () => new Error("This socket has been ended by the other party");
      ${program}
      setTimeout(() => console.log("still here"), 50);`,
    );
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", script],
      env: { NO_COLOR: "1" },
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
    const error = text(stderr).match(/^error: .*|^database: .*/m)?.[0] ?? "";
    return { code, out: text(stdout), error };
  } finally {
    await Deno.remove(script);
  }
}

Deno.test("a socket that is gone, or that the server has ended, is survived wherever the driver hears of it", async () => {
  assertEquals(
    await outputOf(`surviveLostSockets();
      void Promise.reject(ofDriver(ended()));
      void Promise.reject(ofDriver(new Error("write EPIPE"), "EPIPE"));
      setTimeout(() => { throw ofDriver(ended()); });
      setTimeout(() => { throw ofDriver(new TypeError("Cannot read properties of null")); });`),
    SURVIVED,
  );
});

for (
  const [when, lastWords, message] of [
    ["closes", new Uint8Array(), /CONNECTION_CLOSED/],
    ["says that it shuts down", SHUTTING_DOWN, /PostgresError: shutdown/],
  ] as const
) {
  Deno.test(`a server that ${when} while the driver asks for its types is survived`, async () => {
    const server = startDyingServer(lastWords);
    const asking = `import postgres from ${JSON.stringify(import.meta.resolve("postgres"))};
      const sql = postgres({ host: "127.0.0.1", port: ${server.addr.port}, backoff: () => 60 });
      void sql.reserve().catch(() => {});
      addEventListener("unhandledrejection", () => setTimeout(Deno.exit, 100, 0));`;
    try {
      // Without it the driver's own question ends the process.
      const { code, error } = await outputOf(asking);
      assertEquals(code, 1);
      assertMatch(error, message);
      assertEquals(await outputOf(`surviveLostSockets();${asking}`), SURVIVED);
    } finally {
      server.close();
    }
  });
}

Deno.test("any other error ends the process as before, and so does this one once it is not looked for", async () => {
  for (
    const [program, message] of [
      [`surviveLostSockets(); void Promise.reject(ended());`, /ended by the other party/],
      [`surviveLostSockets(); void Promise.reject(ofDriver(new Error("a bug")));`, /a bug/],
      [`surviveLostSockets()(); void Promise.reject(ofDriver(ended()));`, /ended by the other/],
    ] as const
  ) {
    const { code, out, error } = await outputOf(program);
    assertEquals({ code, out }, { code: 1, out: "" });
    assertMatch(error, message);
  }
});
