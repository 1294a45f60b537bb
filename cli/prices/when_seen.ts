/** When a price that was written counts: said by the commands that write one, and by their help. */
export const WHEN_SEEN = "The next request is charged at the new price. Running workers show it " +
  "within minutes,\nand find a new model at once.";
