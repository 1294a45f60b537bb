/** The package in a Vue app: the same as in React, by a render function. */
import type { AddCreditsDetail, ReceiptDetail } from "farebox-web/elements";
import type {} from "farebox-web/jsx-vue";
import { createApp, defineComponent, h, ref } from "vue";
import { ask, chatId, signUp } from "./app.ts";

const App = defineComponent(() => {
  const isShown = ref(true);
  const warning = ref(1);
  const answer = ref("");
  const heard = ref<string[]>([]);

  async function askNow() {
    for await (const text of ask("Hello")) answer.value = text;
  }
  const elements = () => [
    h("farebox-balance", {
      warning: warning.value,
      "onFarebox-add-credits": ({ detail }: CustomEvent<AddCreditsDetail>) =>
        heard.value.push(`add credits: ${detail.balance?.kind}`),
    }),
    h("farebox-chat-cost", {
      chatId,
      "onFarebox-receipt": ({ detail }: CustomEvent<ReceiptDetail>) =>
        heard.value.push(`receipt: ${detail.requestId}`),
    }),
  ];
  return () => [
    h("h1", "Vue"),
    h("button", { onClick: signUp }, "Create an account"),
    h("button", { onClick: askNow }, "Ask"),
    h("button", { onClick: () => warning.value = 20 }, "Warn earlier"),
    h("button", { onClick: () => isShown.value = !isShown.value }, isShown.value ? "Hide" : "Show"),
    isShown.value ? elements() : null,
    h("p", { "data-testid": "answer" }, answer.value),
    h("output", heard.value.join("; ")),
  ];
});

createApp(App).mount("#app");
