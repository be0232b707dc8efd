import { describe, expect, it } from "vitest";

import { mark, stem } from "./marking";

const marked = (passage: string, query: string) =>
  mark(passage, query)
    .filter((part) => part.marked)
    .map((part) => part.text);

describe("stem", () => {
  it.each([
    ["Relaxing", "relaxed", "relaxes", "relax"],
    ["funny", "funnier", "funniest", "Funnily"],
    ["lonely", "loneliness"],
    ["hope", "hopeful", "hopeless", "hoping"],
    ["scary", "scared", "scares"],
    ["stories", "story"],
    ["stopped", "stopping", "stop"],
    ["Amélie", "Amelie", "Amélie’s"],
  ])("%s and its inflections have one stem", (...words) => {
    expect(new Set(words.map(stem)).size).toBe(1);
  });

  it.each([
    ["honest", "honey"],
    ["quiet", "quite"],
    ["string", "strange"],
    ["class", "clasp"],
    ["king", "kind"],
    ["universe", "university"],
  ])("%s and %s have different stems", (one, other) => {
    expect(stem(one)).not.toBe(stem(other));
  });
});

describe("mark", () => {
  it("marks words of the query in any form, and leaves the text unchanged", () => {
    const passage = "It is slow, relaxed — and the FUNNIEST thing I saw.";
    expect(marked(passage, "relaxing and funny")).toEqual(["relaxed", "FUNNIEST"]);
    const parts = mark(passage, "relaxing and funny");
    expect(parts.map((part) => part.text).join("")).toBe(passage);
  });

  it("marks neighbouring words as one part, with the stop words between them", () => {
    expect(marked("A sad and funny period piece.", "funny and sad, maybe a period piece")).toEqual([
      "sad and funny period piece",
    ]);
    expect(marked("Sad. Funny.", "sad, funny")).toEqual(["Sad", "Funny"]);
    expect(marked("sad but never funny", "funny sad")).toEqual(["sad", "funny"]);
  });

  it("marks neither stop words alone nor parts of words", () => {
    expect(marked("This is the one with a movie in it.", "the movie is one with this")).toEqual([]);
    expect(marked("The warden swore.", "war")).toEqual([]);
  });

  it("handles other scripts, and composed and decomposed accents", () => {
    expect(marked("Une comédie légère", "comedie")).toEqual(["comédie"]);
    expect(marked("Une com\u0065\u0301die", "comédie")).not.toEqual([]);
    expect(marked("Очень смешной фильм", "смешной")).toEqual(["смешной"]);
  });

  it("returns the whole passage when nothing matches, and no parts for an empty one", () => {
    expect(mark("A boxer trains.", "space")).toEqual([{ text: "A boxer trains.", marked: false }]);
    expect(mark("", "space")).toEqual([]);
    expect(mark("A boxer trains.", "")).toEqual([{ text: "A boxer trains.", marked: false }]);
  });

  it("keeps markup as text", () => {
    const passage = "<mark>boxer</mark>";
    expect(mark(passage, "boxer")).toEqual([
      { text: "<mark>", marked: false },
      { text: "boxer", marked: true },
      { text: "</mark>", marked: false },
    ]);
  });
});
