/** A chat's messages. It follows the answer as long as the reader is at its end. */
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Chat } from "../state/types.ts";
import { Answer } from "./answer.tsx";
import { DownIcon } from "./icons.tsx";
import { Question } from "./question.tsx";

/** Near enough to its end to be there. */
const NEAR_PX = 40;

export function MessageList({ chat }: { readonly chat: Chat }) {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const isAtEnd = useSignal(true);
  const lastTop = useRef(0);
  const { id, messages } = chat;

  function toEnd(): void {
    isAtEnd.value = true;
    const list = scroller.current;
    if (list === null) return;
    list.scrollTop = list.scrollHeight;
    lastTop.current = list.scrollTop;
  }

  function onScroll(): void {
    const list = scroller.current;
    if (list === null) return;
    const left = list.scrollHeight - list.clientHeight - list.scrollTop;
    const isUpwards = list.scrollTop < lastTop.current - 1;
    lastTop.current = list.scrollTop;
    // Whoever scrolls up wants to stay there, however near the end is. Only that leaves the end: an
    // answer that grows moves it away, and is followed.
    isAtEnd.value = isUpwards ? left < 2 : isAtEnd.peek() || left < NEAR_PX;
  }

  // A chat is opened, and a question asked, at the end.
  useLayoutEffect(toEnd, [id, messages.length]);
  useLayoutEffect(() => {
    if (content.current === null || scroller.current === null) return;
    const observer = new ResizeObserver(() => isAtEnd.peek() && toEnd());
    observer.observe(content.current);
    observer.observe(scroller.current);
    return () => observer.disconnect();
  }, []);

  return (
    <div class="messages-frame">
      <div class="messages" ref={scroller} onScroll={onScroll}>
        <div class="column" ref={content}>
          <h2 class="visually-hidden">Conversation</h2>
          {messages.map((message, index) =>
            message.role === "user" ? <Question key={message.id} message={message} /> : (
              <Answer
                key={message.id}
                chatId={id}
                message={message}
                question={messages[index - 1]?.text ?? ""}
                isLast={index === messages.length - 1}
              />
            )
          )}
        </div>
      </div>
      {!isAtEnd.value && (
        <button type="button" class="button jump" onClick={toEnd}>
          <DownIcon /> Jump to latest
        </button>
      )}
    </div>
  );
}
