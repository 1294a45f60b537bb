/** What the browser does not keep, or has not kept well. */
import { useSignal } from "@preact/signals";
import { damagedChats, removeDamagedChats } from "../state/chats.ts";
import { chatsAreStored } from "../state/store_queue.ts";

export function StorageNotice() {
  return (
    <>
      <NothingIsStored />
      <SomeAreDamaged />
    </>
  );
}

function NothingIsStored() {
  const isRead = useSignal(false);
  if (chatsAreStored.value || isRead.value) return null;
  return (
    <div class="notice" role="alert" data-code="STORAGE_UNAVAILABLE">
      <p>This browser does not let the page keep chats: they last until you close it.</p>
      <button type="button" class="button quiet" onClick={() => isRead.value = true}>
        Understood
      </button>
    </div>
  );
}

function SomeAreDamaged() {
  const count = damagedChats.value.length;
  if (count === 0) return null;
  return (
    <div class="notice" role="alert" data-code="CHATS_DAMAGED">
      <p>
        {count === 1 ? "One stored chat" : `${count} stored chats`}{" "}
        could not be read and cannot be shown. The others are as they were.
      </p>
      <button type="button" class="button quiet" onClick={() => void removeDamagedChats()}>
        Remove what is broken
      </button>
    </div>
  );
}
