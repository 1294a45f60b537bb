/** `deno task bench`: nothing is measured yet, and no figure in the docs claims otherwise. */
console.error("There is no benchmark yet. See docs/next.md.");
