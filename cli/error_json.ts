/** What --json prints on stdout where a command ends in an error; the sentence stays on stderr. */

/** One line, for `console.log`. `code` is a refusal's own, or one that the top-level help names. */
export function errorJson(code: string, message: string): string {
  return JSON.stringify({ error: { code, message } });
}
