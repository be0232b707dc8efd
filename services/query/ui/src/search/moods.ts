// Example queries. Each describes a mood rather than a genre, which is what this search is for.

export const MOODS: readonly string[] = [
  "relaxing and funny, maybe a period piece",
  "so tense I forget to breathe",
  "a small sad story that ends with hope",
  "space, loneliness and silence",
  "a twist you never see coming",
  "a rainy Sunday with the whole family",
  "lovers who talk all night",
  "one honest person against everyone",
];

/** The mood of a day, local time: changes daily. */
export function moodOf(day: Date): string {
  const days = Math.floor((day.getTime() - day.getTimezoneOffset() * 60_000) / 86_400_000);
  return MOODS[days % MOODS.length] as string;
}
