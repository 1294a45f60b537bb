/** The open chat: its messages or a welcome, what is wrong, and the composer. */
import { useEffect } from "preact/hooks";
import { openChat, openChatId } from "../state/shown_chats.ts";
import { announcement, send } from "../state/conversation.ts";
import { openKey, problem, setProblem } from "../state/conversation_problems.ts";
import { dialog } from "../state/dialogs.ts";
import { draft } from "../state/draft.ts";
import { followEstimate } from "../state/estimate.ts";
import { followFunds } from "../state/funds.ts";
import { loadModels, loadModelsAnew, problemOfChoice, problemOfModels } from "../state/models.ts";
import { visitor } from "../state/session.ts";
import { Composer, ComposerNote } from "./composer.tsx";
import { MessageList } from "./message_list.tsx";
import { focusComposer, focusComposerUnlessTouch } from "./places.ts";
import { ProblemBox } from "./problem.tsx";
import { Welcome } from "./welcome.tsx";

export function ChatView() {
  const chat = openChat.value;
  useEffect(followFunds, []);
  useEffect(followEstimate, []);
  // Guests may be offered other models than users.
  useEffect(loadModelsAnew, [visitor.value.kind]);
  const shown = problem.value;
  useEffect(() => {
    if (dialog.peek() === null) focusComposerUnlessTouch();
  }, [openChatId.value, shown]);
  return (
    <div class="chat">
      {chat === null || chat.messages.length === 0 ? <Welcome /> : <MessageList chat={chat} />}
      <div class="dock">
        <Problems />
        <Composer />
        <ComposerNote />
      </div>
      <p class="visually-hidden" role="status">{announcement.value}</p>
    </div>
  );
}

/** One at a time: that of the last question first. */
function Problems() {
  const ofQuestion = problem.value;
  if (ofQuestion !== null) {
    return (
      <ProblemBox
        problem={ofQuestion}
        tryAgain={() => void send(draft.peek())}
        shorten={focusComposer}
        dismiss={() => setProblem(openKey.peek(), null)}
      />
    );
  }
  const ofModels = problemOfModels.value ?? problemOfChoice.value;
  if (ofModels === null) return null;
  return (
    <ProblemBox
      problem={ofModels}
      tryAgain={() => void loadModels()}
      shorten={focusComposer}
    />
  );
}
