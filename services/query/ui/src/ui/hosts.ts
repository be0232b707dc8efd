/** Whose page a link leads to, to be said before it is followed; empty if it leads nowhere. */
export function hostOf(url: string | null): string {
  try {
    return url === null ? "" : `On ${new URL(url).hostname.replace(/^www\./, "")}`;
  } catch {
    return "";
  }
}
