/** What the page may load and ask: its Content Security Policy, and the headers beside it. */

/** @param projectUrl the project that it asks; null where that is the page's own origin. */
export function contentSecurityPolicy(projectUrl: string | null): string {
  const project = projectUrl === null ? "" : ` ${projectUrl} ${projectUrl.replace(/^http/, "ws")}`;
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    `connect-src 'self'${project}`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types dompurify",
  ].join("; ");
}

/** Headers of every file of the page, for whoever serves it. */
export function pageHeaders(projectUrl: string | null): Record<string, string> {
  return {
    // Of framing a browser hears in the header only, not in the document.
    "content-security-policy": `${contentSecurityPolicy(projectUrl)}; frame-ancestors 'none'`,
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  };
}
