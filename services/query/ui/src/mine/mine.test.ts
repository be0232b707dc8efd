import { afterEach, describe, expect, it, vi } from "vitest";

import { settle } from "../testing";
import { added, choose, hiddenIds, isBlank, rate, unmarked } from "./marks";
import { createMine } from "./mine";
import { memoryShelf, type Shelf } from "./shelf";

const RAIN = { movieId: "tt1", title: "Rain", year: 1984 };
const SNOW = { movieId: "tt2", title: "Snow", year: null };

describe("a mark", () => {
  it("is never both saved and not for me", () => {
    const saved = choose("saved", true)(unmarked(RAIN));
    const refused = choose("notForMe", true)(saved);
    expect([refused.saved, refused.notForMe]).toEqual([false, true]);
    expect(choose("saved", true)(refused).notForMe).toBe(false);
    expect(isBlank(choose("notForMe", false)(refused))).toBe(true);
  });

  it("with a rating is seen, and stays seen without it", () => {
    const rated = rate(8)(unmarked(RAIN));
    expect([rated.seen, rated.rating]).toEqual([true, 8]);
    expect(rate(null)(rated)).toMatchObject({ seen: true, rating: null });
  });

  it("is kept when another list says otherwise", () => {
    const mine = { ...unmarked(RAIN), rating: 9, notForMe: true };
    const after = added({ seen: true, saved: true, rating: 4 })(mine);
    expect(after).toMatchObject({ seen: true, saved: false, rating: 9, notForMe: true });
  });

  it("hides what was seen or is not for me, the latest first", () => {
    const marks = [
      { ...unmarked(RAIN), seen: true, changedMs: 1 },
      { ...unmarked(SNOW), notForMe: true, changedMs: 2 },
      { ...unmarked({ ...RAIN, movieId: "tt3" }), saved: true, changedMs: 3 },
    ];
    expect(hiddenIds(marks)).toEqual(["tt2", "tt1"]);
  });
});

describe("my movies", () => {
  const opened: ReturnType<typeof createMine>[] = [];
  const open = (shelf: () => Promise<Shelf>) => {
    const mine = createMine(shelf);
    opened.push(mine);
    return mine;
  };
  afterEach(() => {
    for (const mine of opened.splice(0)) mine.close();
    localStorage.clear();
  });

  it("keep marks, and forget a movie without any", async () => {
    const shelf = memoryShelf();
    const mine = open(async () => shelf);
    await mine.change(RAIN, choose("seen", true));
    await mine.change(SNOW, choose("saved", true));
    expect([...open(async () => shelf).marks.keys()]).toEqual([]); // not read yet
    const later = open(async () => shelf);
    await later.ready;
    expect(later.hidden.value).toEqual(["tt1"]);
    await later.change(RAIN, choose("seen", false));
    expect([...later.marks.keys()]).toEqual(["tt2"]);
    await later.clear();
    expect(await shelf.readAll()).toEqual([]);
  });

  it("say that the browser keeps nothing, and work until the page is closed", async () => {
    const mine = open(() => Promise.reject(new DOMException("denied", "SecurityError")));
    await mine.ready;
    expect(mine.trouble.value).toContain("does not let the page keep anything");
    expect(await mine.change(RAIN, choose("saved", true))).toBe(true);
    expect(mine.marks.get("tt1")?.saved).toBe(true);
    expect(mine.trouble.value).not.toBe("");
  });

  it("say that a change was not kept, and change nothing", async () => {
    const full: Shelf = {
      ...memoryShelf(),
      apply: () => Promise.reject(new DOMException("full", "QuotaExceededError")),
    };
    const mine = open(async () => full);
    expect(await mine.change(RAIN, choose("saved", true))).toBe(false);
    expect(mine.marks.size).toBe(0);
    expect(mine.trouble.value).toContain("could not keep this change");
  });

  it("stay in step with another tab", async () => {
    const shelf = memoryShelf();
    const [mine, other] = [open(async () => shelf), open(async () => shelf)];
    await Promise.all([mine.ready, other.ready]);
    await mine.change(RAIN, choose("seen", true));
    await vi.waitFor(() => expect(other.hidden.value).toEqual(["tt1"]));
    mine.setHides(true);
    await vi.waitFor(() => expect(other.hides.value).toBe(true));
    await other.clear();
    await vi.waitFor(() => expect(mine.marks.size).toBe(0));
    await settle();
  });
});
