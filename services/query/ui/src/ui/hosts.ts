/** A link text that names the site a URL points to; empty if there is no valid URL. */
export function sourceLinkText(url: string | null): string {
  if (url === null || !URL.canParse(url)) return "";
  const host = new URL(url).hostname.replace(/^www\./, "");
  // The name of a site means something to a reader, an IP address does not.
  return /^(?:localhost|[\d.]+|\[.*\])$/.test(host) ? "View original page" : `View on ${host}`;
}

/** Whether facts or the picture of a movie come from TMDB, as far as its links tell. */
export function isFromTmdb(movie: { url: string | null; poster_url: string | null }): boolean {
  return [movie.url, movie.poster_url].some(
    (url) =>
      url !== null &&
      URL.canParse(url) &&
      /(?:^|\.)(?:themoviedb|tmdb)\.org$/.test(new URL(url).hostname),
  );
}
