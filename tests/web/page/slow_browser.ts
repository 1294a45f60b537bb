/** A browser's database, as it is, busy or full, and a tab that stands still. Scripts for a page. */

/** From now on whoever reads a record holds the database for so long, and gets it then. */
export const readsTake = (ms: number) =>
  `(() => {
  const { get } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.get = function (...args) {
    const end = performance.now() + ${ms};
    const request = get.apply(this, args);
    let listener = null;
    const again = () => {
      if (performance.now() > end) listener?.call(request);
      else get.apply(this, args).addEventListener("success", again);
    };
    request.addEventListener("success", again);
    return Object.defineProperty(request, "onsuccess", { set: (value) => void (listener = value) });
  };
})()`;

export const READS_TAKE_FOR_EVER = readsTake(Infinity);

/** From now on who removes a record holds the database for so long after it. */
export const removalsTake = (ms: number) =>
  `(() => {
  const { delete: remove, get } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.delete = function (key) {
    const end = performance.now() + ${ms};
    const again = () => {
      if (performance.now() < end) get.call(this, key).addEventListener("success", again);
    };
    const request = remove.call(this, key);
    request.addEventListener("success", again);
    return request;
  };
})()`;

export const REMOVALS_TAKE_FOR_EVER = removalsTake(Infinity);

/** The page does nothing any more, as a tab in the background that was frozen, until `/thaw` answers. */
export const FREEZE = `setTimeout(() => {
  const request = new XMLHttpRequest();
  request.open("GET", "/thaw", false);
  request.send();
})`;

/** From now on no record is written any more. */
export const IS_FULL = `IDBObjectStore.prototype.put = () => {
  throw new DOMException("The quota has been exceeded.", "QuotaExceededError");
}`;

/** The titles of an owner's chats in the store; null while another page's leftovers are not stored. */
export const storedTitles = (owner: string) =>
  `(async () => {
  if (Object.keys(localStorage).some((key) => key.startsWith("farebox-unsaved-"))) return null;
  const ended = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const database = await ended(indexedDB.open("farebox-chats-${owner}"));
  const chats = await ended(database.transaction("chats").objectStore("chats").getAll());
  database.close();
  return chats.map(({ title }) => title);
})()`;
