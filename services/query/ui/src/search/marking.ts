// Marks the words of a passage that occur in the query, or share a stem with a word of it. The
// passage is split into parts, so that no HTML is needed to mark them.

export interface Part {
  text: string;
  marked: boolean;
}

const WORD = /[\p{L}\p{M}\p{N}]+(?:['’][\p{L}\p{M}]+)*/gu;

// Stop words carry no meaning alone; between two marked words they are marked as well.
const STOP_WORDS = new Set(
  (
    "a about after all also am an and any are as at be because been but by can could did do does " +
    "film films for from get give good had has have he her him his how i if in into is it its " +
    "just kind like looking maybe me more movie movies much my no nobody nor not of on one or " +
    "our out please really she should show so some something story than that the their them " +
    "then there they this to too up us very want was we were what when where which who will " +
    "with without would you your"
  ).split(" "),
);

// Endings and their replacements, in the order in which they are tried. The remainder must still look
// like a word: three letters, one of them a vowel. Few endings, as a wrong mark is a false claim.
const ENDINGS: readonly (readonly [RegExp, string])[] = [
  [/(?:iness|ies|ied|ier|iest|ily)$/, "y"],
  [/(?:fully|ness|less|ful)$/, ""],
  [/(?:ingly|edly|ing|ed)$/, ""],
  [/ly$/, ""],
  [/(?<![sui])s$/, ""],
];
const STEM = /^(?=.*[aeiouy\P{ASCII}]).{3}/u;

/** A word without case, accents and endings: `Relaxing`, `relaxed` and `relaxes` are equal. */
export function stem(word: string): string {
  let rest = word
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/['’](?:s|t|re|ve|ll|d|m)?$/, "");
  for (let previous = ""; previous !== rest;) {
    previous = rest;
    for (const [ending, replacement] of ENDINGS) {
      const shorter = rest.replace(ending, replacement);
      if (shorter !== rest && STEM.test(shorter)) rest = undoubled(shorter);
    }
  }
  const short = rest.replace(/[ey]$/, "");
  return STEM.test(short) ? undoubled(short) : rest;
}

/** `funn` becomes `fun`, `stopp` becomes `stop`; `ll`, `ss` and `zz` may belong to the word. */
function undoubled(text: string): string {
  return text.length > 3 && /([bdfgmnprt])\1$/.test(text) ? text.slice(0, -1) : text;
}

/** Split a passage into marked and unmarked parts; joined, they are the passage. */
export function mark(passage: string, query: string): Part[] {
  const queryStems = new Set(words(query).filter(isContentWord).map(stem));
  const queryWords = new Set(words(query).map((word) => word.toLowerCase()));
  const ranges: [number, number][] = [];
  for (const match of passage.matchAll(WORD)) {
    const [word] = match;
    if (!isContentWord(word) || !queryStems.has(stem(word))) continue;
    const stop = match.index + word.length;
    const last = ranges.at(-1);
    if (last && isGap(passage.slice(last[1], match.index), queryWords)) last[1] = stop;
    else ranges.push([match.index, stop]);
  }
  const parts: Part[] = [];
  let at = 0;
  for (const [start, stop] of ranges) {
    if (start > at) parts.push({ text: passage.slice(at, start), marked: false });
    parts.push({ text: passage.slice(start, stop), marked: true });
    at = stop;
  }
  if (at < passage.length) parts.push({ text: passage.slice(at), marked: false });
  return parts;
}

function words(text: string): string[] {
  return text.match(WORD) ?? [];
}

function isContentWord(word: string): boolean {
  return word.length > 1 && !STOP_WORDS.has(word.toLowerCase());
}

/** Whether only spaces, hyphens and stop words of the query stand between two marks. */
function isGap(between: string, queryWords: ReadonlySet<string>): boolean {
  const inside = words(between);
  return (
    /^[\s\p{L}\p{M}\p{N}'’-]*$/u.test(between) &&
    inside.length <= 2 &&
    inside.every((word) => queryWords.has(word.toLowerCase()) && !isContentWord(word))
  );
}
