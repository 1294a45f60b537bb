/**
 * A stand-in for the part of Supabase's management API that `functions deploy --use-api` and
 * `secrets` speak: it keeps what was uploaded and set, so that a test can look at it and run it.
 */

/** One deployed function: exactly what the hosted project would have received. */
export interface Upload {
  slug: string;
  metadata: {
    entrypoint_path: string;
    import_map_path?: string;
    verify_jwt?: boolean;
    name: string;
  };
  /** By path, as the CLI named them: relative to the project's root. */
  files: Map<string, Uint8Array>;
  /** Uploaded first, activated by a second call once all functions are there. */
  isActive: boolean;
}

export interface ManagementApi {
  /** Arguments and environment that point the CLI here. */
  cliArgs: string[];
  cliEnv: Record<string, string>;
  /** By slug. */
  uploads: Map<string, Upload>;
  /** What was set and not unset, by name. */
  secrets: Map<string, string>;
  close(): Promise<void>;
}

/** The reference of the project that the stand-in serves: twenty letters, as real ones are. */
export const PROJECT_REF = "abcdefghijklmnopqrst";

/**
 * Starts the stand-in on a free port. The caller closes it.
 * @param onChange awaited after functions were activated or secrets changed, before that is answered.
 */
export async function startManagementApi(
  onChange: (api: Pick<ManagementApi, "uploads" | "secrets">) => Promise<void> = async () => {},
): Promise<ManagementApi> {
  const kept = { uploads: new Map<string, Upload>(), secrets: new Map<string, string>() };
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const response = await answerSecrets(request, kept.secrets) ??
        await answer(request, kept.uploads);
      if (request.method !== "GET" && response.ok) await onChange(kept);
      return response;
    },
  );
  const url = `http://127.0.0.1:${server.addr.port}`;
  const profile = await Deno.makeTempFile({ prefix: "farebox-profile-", suffix: ".yaml" });
  await Deno.writeTextFile(
    profile,
    [
      "name: rehearsal",
      `api_url: ${url}`,
      `dashboard_url: ${url}`,
      "project_host: localhost.local",
      `docs_url: ${url}`,
    ].join("\n"),
  );
  return {
    cliArgs: [`--profile=${profile}`, `--remote=${PROJECT_REF}`, "--yes"],
    // The shape of an access token; there is nobody to check it.
    cliEnv: { SUPABASE_ACCESS_TOKEN: `sbp_${"0".repeat(40)}` },
    ...kept,
    async close() {
      await server.shutdown();
      await Deno.remove(profile);
    },
  };
}

/** `secrets set`, `list` and `unset`; undefined for any other request. */
async function answerSecrets(
  request: Request,
  secrets: Map<string, string>,
): Promise<Response | undefined> {
  if (new URL(request.url).pathname !== `/v1/projects/${PROJECT_REF}/secrets`) return undefined;
  if (request.method === "GET") {
    return Response.json([...secrets].map(([name, value]) => ({ name, value })));
  }
  if (request.method === "DELETE") {
    const names: string[] = await request.json();
    names.forEach((name) => secrets.delete(name));
    return Response.json({});
  }
  const set: { name: string; value: string }[] = await request.json();
  set.forEach(({ name, value }) => secrets.set(name, value));
  return Response.json({}, { status: 201 });
}

async function answer(request: Request, uploads: Map<string, Upload>): Promise<Response> {
  const url = new URL(request.url);
  const project = `/v1/projects/${PROJECT_REF}`;
  if (request.method === "POST" && url.pathname === `${project}/functions/deploy`) {
    const upload = await readUpload(url.searchParams, await request.formData());
    uploads.set(upload.slug, upload);
    return Response.json(deployed(upload), { status: 201 });
  }
  if (request.method === "PUT" && url.pathname === `${project}/functions`) {
    const activated: { slug: string }[] = await request.json();
    for (const { slug } of activated) {
      const upload = uploads.get(slug);
      if (upload !== undefined) upload.isActive = true;
    }
    return Response.json({ functions: [...uploads.values()].map(deployed) });
  }
  if (request.method === "GET" && url.pathname === `${project}/functions`) {
    return Response.json([...uploads.values()].map(deployed));
  }
  if (request.method === "GET" && url.pathname === project) {
    return Response.json({
      id: PROJECT_REF,
      ref: PROJECT_REF,
      name: "rehearsal",
      organization_id: "rehearsal",
      region: "us-east-1",
      status: "ACTIVE_HEALTHY",
      created_at: "2026-01-01T00:00:00Z",
      database: { host: "localhost.local", version: "17", postgres_engine: "17" },
    });
  }
  await request.body?.cancel();
  return Response.json({ message: `The stand-in does not serve ${url.pathname}` }, { status: 404 });
}

async function readUpload(query: URLSearchParams, form: FormData): Promise<Upload> {
  const files = new Map<string, Uint8Array>();
  for (const part of form.getAll("file")) {
    if (part instanceof File) files.set(part.name, new Uint8Array(await part.arrayBuffer()));
  }
  return {
    slug: query.get("slug") ?? "",
    metadata: JSON.parse(String(form.get("metadata"))),
    files,
    isActive: query.get("bundleOnly") !== "true",
  };
}

function deployed({ slug, metadata }: Upload) {
  return {
    id: crypto.randomUUID(),
    slug,
    name: slug,
    version: 1,
    status: "ACTIVE",
    verify_jwt: metadata.verify_jwt ?? true,
    entrypoint_path: metadata.entrypoint_path,
    import_map_path: metadata.import_map_path ?? null,
    created_at: 0,
    updated_at: 0,
  };
}
