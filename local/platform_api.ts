/**
 * The Data API (`/rest/v1`) and Auth (`/auth/v1`) of the local stack: @supabase/lite in this
 * process, on our PostgreSQL, plus what lite lacks and Farebox needs (the sign-up hook).
 *
 * As on hosted Supabase the two are separate programs with a database role each. Auth connects as
 * `supabase_auth_admin`, so a sign-up trigger that only works for a stronger role fails here too.
 */
import { App, type Connection, type IAppConfig } from "@supabase/lite";
import { createPostgresConnection } from "@supabase/lite/postgres";
import postgres from "postgres";
import { replaceLostConnections } from "./data_api_connections.ts";
import { withRole } from "./database.ts";
import { surviveLostSockets } from "./lost_sockets.ts";
import { askSignUpHook, type HookVerdict, type SignUpHook } from "./sign_up_hook.ts";

export interface PlatformApiOptions {
  /** Connection string of role `postgres` to a prepared database. */
  readonly url: string;
  readonly publishableKey: string;
  readonly secretKey: string;
  readonly jwtSecret: string;
  /** Public address of the stack, for links and redirects. */
  readonly siteUrl: string;
  /** Absent: sign-ups ask nobody. Its address may be a path below `siteUrl`. */
  readonly signUpHook?: SignUpHook;
}

export interface PlatformApi {
  /** Serves `/rest/v1/*` and `/auth/v1/*`. `peerAddress` is the client's, from the socket. */
  fetch(request: Request, peerAddress: string): Promise<Response>;
  close(): Promise<void>;
}

const REST_CONNECTIONS = 20;
const AUTH_CONNECTIONS = 5;
const CLOSE_MS = 2_000;
/** What hosted Supabase gives the roles behind the Data API. */
const STATEMENT_TIMEOUT_MS = 8_000;

/** Connects and reads the schema once; a `notify pgrst` reads it again, as with PostgREST. */
export async function createPlatformApi(options: PlatformApiOptions): Promise<PlatformApi> {
  const forgetLostSockets = surviveLostSockets();
  const rest = connect(options.url, REST_CONNECTIONS);
  const auth = connect(withRole(options.url, "supabase_auth_admin"), AUTH_CONNECTIONS);
  const restApp = createApp(rest, options, (_context, next) => next());
  const authApp = createApp(auth, options, signUpMiddleware(options));
  await restApp.init();
  await authApp.init();
  await rest.introspect();

  const listener = postgres(options.url, { max: 1, onnotice: () => {} });
  await listener.listen("pgrst", () => void rest.clearSchemaCache());
  return {
    fetch: (request, peerAddress) => {
      const { pathname } = new URL(request.url);
      const app = pathname.startsWith("/auth/v1") ? authApp : restApp;
      return app.fetch(request, { peerAddress });
    },
    close: async () => {
      const closed = Promise.allSettled([listener.end({ timeout: 1 }), rest.close(), auth.close()]);
      // A connection whose server was killed under it may never say that it is closed.
      const timer = Promise.withResolvers<void>();
      const id = setTimeout(timer.resolve, CLOSE_MS);
      await Promise.race([closed, timer.promise]);
      clearTimeout(id);
      forgetLostSockets();
    },
  };
}

function connect(url: string, connections: number): Connection {
  const connection = createPostgresConnection({
    url,
    postgresOptions: {
      max: connections,
      onnotice: () => {},
      // Seconds.
      connect_timeout: 3,
      connection: { statement_timeout: STATEMENT_TIMEOUT_MS, search_path: "public, extensions" },
    },
  });
  replaceLostConnections(connection.driver);
  for (const type of JSON_TYPES) connection.driver.options.serializers[type] = jsonOnce;
  // Lite prints every error of the database, expected refusals too, at full length.
  const normalize = connection.normalizeDbError.bind(connection);
  connection.normalizeDbError = (error: unknown) => shortened(normalize(error));
  // Left to itself, lite grants the API roles everything in each schema that has row level security.
  // Grants are the migrations' business here: tell it that this has been done.
  Object.assign(connection, { rlsState: "active" });
  return connection;
}

/**
 * Lite makes JSON of an argument before the driver does, which would do it again: a function would
 * get a string in place of the object that PostgREST gives it.
 */
const JSON_TYPES = [114, 3802];
const jsonOnce = (value: unknown) => typeof value === "string" ? value : JSON.stringify(value);

/** The same error, of which `console.error` shows one line. */
function shortened<T>(error: T): T {
  if (!(error instanceof Error)) return error;
  const code = "code" in error ? ` (${error.code})` : "";
  const line = `database: ${error.message}${code}`;
  Object.defineProperty(error, Symbol.for("Deno.customInspect"), {
    value: () => line,
    // One error may come by twice, as of a connection that was lost under several requests.
    configurable: true,
  });
  return error;
}

type Middleware = NonNullable<
  NonNullable<NonNullable<IAppConfig["options"]>["server"]>["middlewares"]
>[number];

function createApp(
  connection: Connection,
  options: PlatformApiOptions,
  middleware: Middleware,
): App<IAppConfig> {
  // What is left out gets lite's defaults, which its type does not say.
  const config = {
    connection,
    api: { enabled: true, schemas: ["public"], max_rows: 1000 },
    auth: {
      enabled: true,
      enable_signup: true,
      jwt_secret: options.jwtSecret,
      publishable_key: options.publishableKey,
      secret_key: options.secretKey,
      site_url: options.siteUrl,
      email: { enable_signup: true, enable_confirmations: false },
    },
    studio: { enabled: false },
    options: {
      server: { middlewares: [middleware], disableStudio: true, admin: false },
    },
  };
  return new App(config as unknown as IAppConfig);
}

/** What the middleware needs of lite's AuthService; its repository is private in the types. */
interface UserRepository {
  createUser(user: {
    id: string;
    email: string | null;
    raw_app_meta_data?: unknown;
    raw_user_meta_data?: unknown;
    is_anonymous?: boolean;
  }): Promise<unknown>;
}

class SignUpRefused extends Error {
  constructor(readonly verdict: HookVerdict & { kind: "refused" }) {
    super(`Sign-up refused by the before-user-created hook: ${verdict.message}`);
    // lite logs what it does not know: the message says it all.
    this.stack = this.message;
  }
}

/**
 * Asks the hook at the moment Supabase Auth does: all checks passed, the id drawn, nothing written.
 * Lite makes its repository anew for each request, so replacing a method here concerns no other.
 */
function signUpMiddleware({ signUpHook, siteUrl }: PlatformApiOptions): Middleware {
  if (signUpHook === undefined) return (_context, next) => next();
  const hook = { ...signUpHook, uri: new URL(signUpHook.uri, siteUrl).href };
  return async (context, next) => {
    const { repo } = context.var.authService as unknown as { repo: UserRepository };
    const createUser = repo.createUser.bind(repo);
    let refusal: SignUpRefused | undefined;
    repo.createUser = async (user) => {
      const verdict = await askSignUpHook(
        hook,
        {
          id: user.id,
          email: user.email ?? "",
          appMetadata: asRecord(user.raw_app_meta_data),
          userMetadata: clientMetadata(asRecord(user.raw_user_meta_data)),
          isAnonymous: user.is_anonymous === true,
        },
        context.env.peerAddress ?? "",
      );
      if (verdict.kind === "refused") throw refusal = new SignUpRefused(verdict);
      return await createUser(user);
    };
    await next();
    if (refusal !== undefined) context.res = refusalResponse(refusal.verdict);
  };
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

/** Auth adds these to what the client sent, but only after the hook. */
function clientMetadata(metadata: Record<string, unknown>): Record<string, unknown> {
  const { sub: _, email: __, email_verified: ___, phone_verified: ____, ...sent } = metadata;
  return sent;
}

function refusalResponse(verdict: HookVerdict & { kind: "refused" }): Response {
  const { status, errorCode, message } = verdict;
  return Response.json(
    { code: status, error_code: errorCode, msg: message },
    {
      status,
      headers: { "x-sb-error-code": errorCode, "access-control-allow-origin": "*" },
    },
  );
}
