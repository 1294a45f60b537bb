/** The first version that streams messages as they are metered here. */
const VERSION_MIN = "2023-06-01";
const BETAS_MAX = 30;

/**
 * Betas that cannot change what a token costs, nor bill anything beside tokens; by name, in any dated
 * version. Some only unlock fields and tools of the body, which are checked there. All others are
 * dropped, such as `context-1m` (a window and prices that the model's row may not have), `output-128k`
 * and `output-300k` (an answer past the model's own limit, which is all that is held), `fast-mode`,
 * `code-execution`, `mcp-client`, `advisor-tool`, `skills`, `server-side-fallback`,
 * `fallback-credit`, `message-threads`, `user-profiles`, and what is not known yet.
 */
const BETAS = new Set([
  ...["advanced-tool-use", "cache-diagnosis", "compact", "computer-use", "context-management"],
  ...["effort", "extended-cache-ttl", "files-api", "fine-grained-tool-streaming"],
  ...["interleaved-thinking", "max-tokens-3-5-sonnet", "model-context-window-exceeded"],
  ...["pdfs", "prompt-caching", "search-results", "structured-outputs"],
  ...["task-budgets", "thinking-display-updates", "thinking-token-count"],
  ...["token-counting", "token-efficient-tools", "tool-examples", "web-fetch", "web-search"],
]);

/** What of a client's headers goes upstream: the version of the API and the betas that are harmless. */
export function requestHeaders(headers: Headers): Record<string, string> {
  const forwarded: Record<string, string> = {};
  const version = headers.get("anthropic-version");
  // An older or a malformed one is left out: then the endpoint's own is sent.
  if (version !== null && /^\d{4}-\d{2}-\d{2}$/.test(version) && version >= VERSION_MIN) {
    forwarded["anthropic-version"] = version;
  }
  const betas = (headers.get("anthropic-beta") ?? "").split(",").map((name) => name.trim())
    .filter((name) => BETAS.has(/^([a-z0-9-]+)-\d{4}-\d{2}-\d{2}$/.exec(name)?.[1] ?? ""));
  if (betas.length > 0) {
    forwarded["anthropic-beta"] = [...new Set(betas)].slice(0, BETAS_MAX).join(",");
  }
  return forwarded;
}
