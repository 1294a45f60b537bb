/**
 * A stand-in for Supabase's Realtime: the Phoenix protocol as far as `postgres_changes` needs it, on a
 * websocket; every other request goes to the stack behind it.
 */

/** `refused`: the join fails. `system_error`: it is joined, and the tables are not published. */
export type RealtimeAnswer = "ok" | "refused" | "system_error" | "silent";

interface Change {
  readonly event: string;
  readonly schema: string;
  readonly table: string;
  readonly filter: string;
}

export interface RealtimeStandIn {
  readonly url: string;
  /** Every subscription that was asked for, oldest first. */
  readonly joined: { readonly topic: string; readonly changes: readonly Change[] }[];
  /** Channels that are joined now. */
  open(): number;
  /** Tells whoever listens to this user's rows of a new one. */
  tell(table: string, userId: string): void;
  /** Breaks all connections. */
  drop(): void;
  stop(): Promise<void>;
}

interface Channel {
  readonly changes: readonly Change[];
  send(event: string, payload: object): void;
}

interface Message {
  readonly joinRef: string | null;
  readonly ref: string | null;
  readonly topic: string;
  readonly event: string;
  readonly payload: { readonly config?: { readonly postgres_changes?: readonly Change[] } };
}

export function startRealtime(behind: string, answer: RealtimeAnswer): RealtimeStandIn {
  const channels = new Map<string, Channel>();
  const sockets = new Set<WebSocket>();

  function onMessage(socket: WebSocket, isList: boolean, message: Message): void {
    const { topic, event, joinRef, ref } = message;
    const send = (event: string, payload: object, ref: string | null = null) => {
      if (socket.readyState !== WebSocket.OPEN) return;
      const frame = isList
        ? [joinRef, ref, topic, event, payload]
        : { topic, event, payload, ref, join_ref: joinRef };
      socket.send(JSON.stringify(frame));
    };
    const reply = (status: string, response: object) =>
      send("phx_reply", { status, response }, ref);
    if (event === "heartbeat") return reply("ok", {});
    if (event === "phx_leave") {
      channels.delete(topic);
      return reply("ok", {});
    }
    if (event !== "phx_join") return;
    const asked = message.payload.config?.postgres_changes ?? [];
    standIn.joined.push({ topic, changes: asked });
    if (answer === "silent") return;
    if (answer === "refused") return reply("error", { reason: "Unauthorized" });
    reply("ok", { postgres_changes: asked.map((change, index) => ({ id: index + 1, ...change })) });
    const status = answer === "ok" ? "ok" : "error";
    send("system", {
      extension: "postgres_changes",
      status,
      message: "as ordered",
      channel: topic,
    });
    channels.set(topic, { changes: asked, send: (event, payload) => send(event, payload) });
  }

  function upgrade(request: Request): Response {
    const isList = new URL(request.url).searchParams.get("vsn") === "2.0.0";
    const { socket, response } = Deno.upgradeWebSocket(request);
    sockets.add(socket);
    socket.onmessage = ({ data }) => onMessage(socket, isList, read(data));
    socket.onclose = () => sockets.delete(socket);
    return response;
  }

  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { pathname, search } = new URL(request.url);
      if (pathname === "/realtime/v1/websocket") return upgrade(request);
      const { method, headers } = request;
      const body = method === "GET" ? null : await request.arrayBuffer();
      return await fetch(`${behind}${pathname}${search}`, { method, headers, body });
    },
  );
  const drop = () => {
    channels.clear();
    for (const socket of sockets) socket.close();
  };
  const standIn: RealtimeStandIn = {
    url: `http://127.0.0.1:${server.addr.port}`,
    joined: [],
    open: () => channels.size,
    tell(table, userId) {
      for (const { changes, send } of channels.values()) {
        const ids = changes.flatMap((change, index) =>
          change.table === table && change.filter === `user_id=eq.${userId}` ? index + 1 : []
        );
        const data = {
          schema: "public",
          table,
          type: "INSERT",
          commit_timestamp: new Date().toISOString(),
          columns: [{ name: "user_id", type: "uuid" }],
          record: { user_id: userId },
          errors: null,
        };
        if (ids.length > 0) send("postgres_changes", { ids, data });
      }
    },
    drop,
    async stop() {
      drop();
      await server.shutdown();
    },
  };
  return standIn;
}

function read(data: string): Message {
  const frame = JSON.parse(data);
  if (!Array.isArray(frame)) return { joinRef: frame.join_ref ?? null, ...frame };
  const [joinRef, ref, topic, event, payload] = frame;
  return { joinRef, ref, topic, event, payload };
}
