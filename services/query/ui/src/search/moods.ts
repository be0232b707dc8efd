// Examples of what can be asked for. Each is a mood and not a genre: that is what this is for.

export const MOODS: readonly string[] = [
  "relaxing and funny, maybe a period piece",
  "so tense I forget to breathe",
  "a small sad story that ends with hope",
  "space, loneliness and silence",
  "a twist nobody sees coming",
  "a rainy Sunday with the whole family",
  "lovers who talk all night",
  "one honest person against everybody",
];

/** The mood of a day: another one every day, the same all day. */
export function moodOf(day: Date): string {
  const days = Math.floor((day.getTime() - day.getTimezoneOffset() * 60_000) / 86_400_000);
  return MOODS[days % MOODS.length] as string;
}
