// Which words of a passage are the query's: the same word, or one of the same stem. The passage is
// cut into parts, so that marking them needs no markup.

export interface Part {
  text: string;
  marked: boolean;
}

const WORD = /[\p{L}\p{M}\p{N}]+(?:['’][\p{L}\p{M}]+)*/gu;

// They say nothing by themselves; between two words that are marked they are marked, too.
const SMALL = new Set(
  (
    "a about after all also am an and any are as at be because been but by can could did do does " +
    "film films for from get give good had has have he her him his how i if in into is it its " +
    "just kind like looking maybe me more movie movies much my no nobody nor not of on one or " +
    "our out please really she should show so some something story than that the their them " +
    "then there they this to too up us very want was we were what when where which who will " +
    "with without would you your"
  ).split(" "),
);

// Endings, and what takes their place, in the order in which they are tried. What is left must still
// look like a word: three letters, one of them a vowel. Rather too few than too many: a wrong mark is
// a claim that is not true.
const ENDINGS: readonly (readonly [RegExp, string])[] = [
  [/(?:iness|ies|ied|ier|iest|ily)$/, "y"],
  [/(?:fully|ness|less|ful)$/, ""],
  [/(?:ingly|edly|ing|ed)$/, ""],
  [/ly$/, ""],
  [/(?<![sui])s$/, ""],
];
const STEM = /^(?=.*[aeiouy\P{ASCII}]).{3}/u;

/** A word without case, accents and endings: `Relaxing`, `relaxed` and `relaxes` are one. */
export function stem(word: string): string {
  let rest = word
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/['’](?:s|t|re|ve|ll|d|m)?$/, "");
  for (let before = ""; before !== rest;) {
    before = rest;
    for (const [ending, instead] of ENDINGS) {
      const shorter = rest.replace(ending, instead);
      if (shorter !== rest && STEM.test(shorter)) rest = undoubled(shorter);
    }
  }
  const short = rest.replace(/[ey]$/, "");
  return STEM.test(short) ? undoubled(short) : rest;
}

/** `funn` as `fun`, `stopp` as `stop`; `ll`, `ss` and `zz` may belong to the word. */
function undoubled(text: string): string {
  return text.length > 3 && /([bdfgmnprt])\1$/.test(text) ? text.slice(0, -1) : text;
}

/** Cut a passage into what is of the query and what is not; joined, they are the passage. */
export function mark(passage: string, query: string): Part[] {
  const wanted = new Set(words(query).filter(isTelling).map(stem));
  const asked = new Set(words(query).map((word) => word.toLowerCase()));
  const ranges: [number, number][] = [];
  for (const found of passage.matchAll(WORD)) {
    const [word] = found;
    if (!isTelling(word) || !wanted.has(stem(word))) continue;
    const stop = found.index + word.length;
    const last = ranges.at(-1);
    if (last && isGap(passage.slice(last[1], found.index), asked)) last[1] = stop;
    else ranges.push([found.index, stop]);
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

function isTelling(word: string): boolean {
  return word.length > 1 && !SMALL.has(word.toLowerCase());
}

/** Nothing between two marks but spaces, hyphens and small words that the query has, too. */
function isGap(between: string, asked: ReadonlySet<string>): boolean {
  const inside = words(between);
  return (
    /^[\s\p{L}\p{M}\p{N}'’-]*$/u.test(between) &&
    inside.length <= 2 &&
    inside.every((word) => asked.has(word.toLowerCase()) && !isTelling(word))
  );
}
