// Where marks are kept: in IndexedDB, or in memory where the browser refuses it.

import { isBlank, unmarked, type Change, type Mark, type MarkedMovie } from "./marks";

const DATABASE = "my-movies";
const MARKS = "marks";

/** One change of one movie's mark. */
export interface Step {
  movie: MarkedMovie;
  change: Change;
}

export interface Shelf {
  readAll(): Promise<Mark[]>;
  /**
   * Change marks, all or none; each change gets the mark as it is kept at that moment. Resolves to
   * the marks as they are then, by movie id; null for one of which nothing is left.
   */
  apply(steps: readonly Step[]): Promise<ReadonlyMap<string, Mark | null>>;
  clear(): Promise<void>;
}

/** The mark after a step; null if nothing is left of it. */
function after({ movie, change }: Step, before: Mark | undefined): Mark | null {
  const mark = change(before ?? unmarked(movie));
  return isBlank(mark) ? null : mark;
}

export function memoryShelf(): Shelf {
  const marks = new Map<string, Mark>();
  return {
    readAll: async () => [...marks.values()],
    async apply(steps) {
      const changed = new Map<string, Mark | null>();
      for (const step of steps) {
        const id = step.movie.movieId;
        const mark = after(step, marks.get(id));
        if (mark === null) marks.delete(id);
        else marks.set(id, mark);
        changed.set(id, mark);
      }
      return changed;
    },
    clear: async () => marks.clear(),
  };
}

/** Open the browser's database; fails where the browser refuses it, as some private windows do. */
export async function openShelf(): Promise<Shelf> {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore(MARKS, { keyPath: "movieId" });
  };
  const database = await result(opening);
  database.onversionchange = () => database.close(); // a newer page, in another tab, changes it

  /** Write in one transaction; resolves when it is on disk. */
  function write(work: (store: IDBObjectStore) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const transaction = database.transaction(MARKS, "readwrite");
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
      work(transaction.objectStore(MARKS));
    });
  }

  return {
    readAll: () => result<Mark[]>(database.transaction(MARKS).objectStore(MARKS).getAll()),
    async apply(steps) {
      const changed = new Map<string, Mark | null>();
      await write((store) => {
        for (const step of steps) {
          const id = step.movie.movieId;
          const read: IDBRequest<Mark | undefined> = store.get(id);
          read.onsuccess = () => {
            const mark = after(step, read.result);
            if (mark === null) store.delete(id);
            else store.put(mark);
            changed.set(id, mark);
          };
        }
      });
      return changed;
    },
    clear: () => write((store) => void store.clear()),
  };
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    if (request instanceof IDBOpenDBRequest) {
      request.onblocked = () => reject(new Error("Another tab holds an older database"));
    }
  });
}
