/** What both pages do besides showing: whom they ask, as whom, and who listens. */
import { createClient } from "@supabase/supabase-js";
import { createFarebox, type Farebox } from "farebox-web";
import { defineFareboxElements, provideFarebox } from "farebox-web/elements";

const { url, key } = Object.fromEntries(new URLSearchParams(location.search)) as {
  url: string;
  key: string;
};
const supabase = createClient(url, key);
const farebox = createFarebox({ supabase, url, publishableKey: key, realtime: false });

/** Listeners that the elements have left with the client. */
let listeners = 0;

function counted(listen: (...args: never[]) => () => void) {
  return (...args: never[]) => {
    const stop = listen(...args);
    listeners++;
    return () => {
      listeners--;
      stop();
    };
  };
}

const watched: Farebox = {
  ...farebox,
  onBalance: counted(farebox.onBalance),
  onCost: counted(farebox.onCost),
};
defineFareboxElements();
provideFarebox(watched);
Object.assign(globalThis, { listenersOfClient: () => listeners });

export const chatId: string = crypto.randomUUID();

export async function signUp(): Promise<void> {
  const password = crypto.randomUUID();
  const { error } = await supabase.auth.signUp({ email: `${password}@example.com`, password });
  if (error !== null) throw error;
}

/** The answer's text, as far as it has come, at each piece of it. */
export async function* ask(question: string): AsyncGenerator<string> {
  let text = "";
  const messages = [{ role: "user" as const, content: question }];
  for await (const event of farebox.streamChat({ model: "openai:gpt-4o", messages }, { chatId })) {
    if (event.type === "text") yield text += event.text;
  }
}
