/** The package in a React app, with its attributes, properties and events in JSX. */
import type {} from "farebox-web/jsx-react";
import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { ask, chatId, signUp } from "./app.ts";

function App() {
  const [isShown, setShown] = useState(true);
  const [warning, setWarning] = useState<number>(1);
  const [answer, setAnswer] = useState("");
  const [heard, setHeard] = useState<readonly string[]>([]);

  async function askNow() {
    for await (const text of ask("Hello")) setAnswer(text);
  }

  return (
    <>
      <h1>React</h1>
      <button type="button" onClick={() => void signUp()}>Create an account</button>
      <button type="button" onClick={() => void askNow()}>Ask</button>
      <button type="button" onClick={() => setWarning(20)}>Warn earlier</button>
      <button type="button" onClick={() => setShown(!isShown)}>{isShown ? "Hide" : "Show"}</button>
      {isShown && (
        <>
          <farebox-balance
            warning={warning}
            onfarebox-add-credits={({ detail }) =>
              setHeard([...heard, `add credits: ${detail.balance?.kind}`])}
          />
          <farebox-chat-cost
            chatId={chatId}
            onfarebox-receipt={({ detail }) => setHeard([...heard, `receipt: ${detail.requestId}`])}
          />
        </>
      )}
      <p data-testid="answer">{answer}</p>
      <output>{heard.join("; ")}</output>
    </>
  );
}

createRoot(document.getElementById("app")!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
