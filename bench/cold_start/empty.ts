/** A function that does nothing: what starting costs in any case. */
export default { fetch: () => new Response() };
