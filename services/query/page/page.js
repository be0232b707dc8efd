// The page: the address says what is shown (?q= a search, ?like= what is similar to a film), and
// show() makes it so. Whatever goes wrong is said, and tried again where trying again can help.

const PAGE_SIZE = 10;
const MOST = 100;
const RETRY_MS = [1500, 2000, 3000, 5000, 8000];

const $ = (id) => document.getElementById(id);
const form = $("search");
const input = $("q");
const found = $("found");
const heading = $("heading");
const status = $("status");
const results = $("results");
const more = $("more");

let current = null; // what is being shown or fetched: { url, title, like, stop }

class ServerProblem extends Error {
  constructor(response, problem) {
    super(problem.title ?? `The server answered ${response.status}`);
    this.status = response.status;
    this.code = problem.code ?? "";
    this.wanted = (problem.errors ?? []).map((error) => error.message);
    this.retryAfterMs = 1000 * Number(response.headers.get("Retry-After") ?? 0);
  }
  get passes() {
    return [502, 503, 504].includes(this.status);
  }
}

async function getJson(url, signal) {
  const response = await fetch(url, { signal, headers: { Accept: "application/json" } });
  if (!response.ok) throw new ServerProblem(response, await response.json().catch(() => ({})));
  return response.json();
}

function wait(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

// Fetch, and while the service is starting, busy or away, say so and try again.
async function persist(url, signal) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await getJson(url, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      const away = !(error instanceof ServerProblem);
      if (!away && !error.passes) throw error;
      if (away) say("The service cannot be reached. Trying again.", "waiting");
      else if (error.code === "not-ready") say("The index is being built. Your films will appear here by themselves.", "waiting");
      else say("Many people are searching. Trying again.", "waiting");
      const pause = RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)];
      await wait(Math.max(pause, error.retryAfterMs ?? 0), signal);
    }
  }
}

function say(text, kind = "") {
  status.className = `status ${kind}`;
  status.textContent = text;
}

function clear() {
  results.replaceChildren();
  more.hidden = true;
  heading.hidden = true;
  say("");
}

async function show({ focus = false } = {}) {
  current?.stop.abort();
  const parameters = new URLSearchParams(location.search);
  const like = parameters.get("like");
  const query = (parameters.get("q") ?? "").trim();
  input.value = query;
  document.body.classList.toggle("searching", Boolean(like || query));
  const stop = new AbortController();
  current = { stop };
  if (!like && !query) {
    found.setAttribute("aria-busy", "false");
    document.title = "Semantic Movie Search";
    clear();
    greet(stop.signal);
    return;
  }
  current.url = like ? `/movies/${encodeURIComponent(like)}/similar?` : `/search?q=${encodeURIComponent(query)}&`;
  current.like = like;
  found.setAttribute("aria-busy", "true");
  more.hidden = true;
  // Only a slow answer is announced; a fast one would only flicker.
  const slow = setTimeout(() => say("Searching", "waiting"), 400);
  try {
    const [page, liked] = await Promise.all([
      persist(`${current.url}k=${PAGE_SIZE}&evidence=2`, stop.signal),
      like ? persist(`/movies/${encodeURIComponent(like)}`, stop.signal) : null,
    ]);
    const title = liked ? `Films like ${liked.title}` : `Films for “${query}”`;
    clearTimeout(slow);
    clear();
    heading.textContent = title;
    heading.hidden = false;
    document.title = `${title} · Semantic Movie Search`;
    add(page);
    say(page.hits.length ? `${page.hits.length} of ${count(page.matched, "film")}, best first` : "There are no films in the index yet.");
    if (focus) heading.focus();
    served();
  } catch (error) {
    clearTimeout(slow);
    if (stop.signal.aborted) return;
    clear();
    complain(error);
  } finally {
    if (current?.stop === stop) found.setAttribute("aria-busy", "false");
  }
}

function complain(error) {
  if (error.code === "unknown-movie") say("That film is not in the index any more.", "trouble");
  else if (error.code === "invalid-request") say(`That cannot be searched for. ${error.wanted.join(". ")}.`, "trouble");
  else say(`${error.message}. Please try again.`, "trouble");
}

async function showMore() {
  const { url, stop } = current;
  const offset = results.children.length;
  more.disabled = true;
  try {
    // Similar films are not paged by the API: ask for as many as are wanted in all.
    const page = current.like
      ? await persist(`${url}k=${Math.min(offset + PAGE_SIZE, MOST)}&evidence=2`, stop.signal)
      : await persist(`${url}k=${PAGE_SIZE}&offset=${offset}&evidence=2`, stop.signal);
    const fresh = page.hits.filter((hit) => hit.rank > offset);
    add({ ...page, hits: fresh });
    say(`${results.children.length} of ${count(page.matched, "film")}, best first`);
    results.children[offset]?.querySelector("a")?.focus();
  } catch (error) {
    if (!stop.signal.aborted) complain(error);
  } finally {
    more.disabled = false;
  }
}

function add(page) {
  results.append(...page.hits.map(hitElement));
  const shown = results.children.length;
  more.hidden = shown >= Math.min(page.matched, MOST) || page.hits.length === 0;
}

function hitElement(hit) {
  const element = $("hit").content.cloneNode(true);
  const { movie } = hit;
  const part = (name) => element.querySelector(`.${name}`);
  part("title").append(linked(movie.title, movie.url));
  part("year").textContent = movie.year ?? "";
  part("score").textContent = hit.score.toFixed(2);
  part("score").setAttribute("aria-label", `Score ${hit.score.toFixed(2)}`);
  const facts = [movie.genres.join(", "), movie.directors.length ? `by ${movie.directors.join(", ")}` : ""];
  if (movie.rating !== null) facts.push(`rated ${number(movie.rating)}/10`);
  part("facts").textContent = facts.filter(Boolean).join(" · ");
  part("description").textContent = movie.description ?? "";
  part("evidence").append(...hit.evidence.map(quoteElement));
  part("similar").href = `/?like=${encodeURIComponent(movie.movie_id)}`;
  part("similar").setAttribute("aria-label", `Films similar to ${movie.title}`);
  return element;
}

function quoteElement(evidence) {
  const element = $("quote").content.cloneNode(true);
  element.querySelector("blockquote p").textContent = evidence.text.replace(/^["“”]+|["“”]+$/g, "");
  const caption = element.querySelector("figcaption");
  const rating = evidence.rating === null ? "" : `rated ${number(evidence.rating)}/10`;
  if (isWeb(evidence.url)) caption.append(linked("the review", evidence.url), rating ? `, ${rating}` : "");
  else caption.append(rating ? `a viewer, ${rating}` : "");
  return element;
}

function linked(text, url) {
  if (!isWeb(url)) return document.createTextNode(text);
  const link = document.createElement("a");
  link.href = url;
  link.rel = "noopener noreferrer";
  link.textContent = text;
  return link;
}

function isWeb(url) {
  return /^https?:\/\//i.test(url ?? "");
}

function number(value) {
  return Number(value.toFixed(1)).toLocaleString();
}

function count(n, word) {
  return `${n.toLocaleString()} ${word}${n === 1 ? "" : "s"}`;
}

// What is being served, in the footer; and before the first snapshot, the wait for it.
async function served(signal) {
  const snapshot = signal ? await persist("/snapshot", signal) : await getJson("/snapshot");
  $("served").textContent = `${count(snapshot.movies, "film")}, ${count(snapshot.reviews, "review")}. Snapshot ${snapshot.snapshot_id}${snapshot.degraded ? ", not the newest" : ""}.`;
}

async function greet(signal) {
  try {
    for (let attempt = 0; ; attempt += 1) {
      const ready = await fetch("/readyz", { signal }).catch(() => null);
      if (ready?.ok) break;
      say(
        ready ? "The index is being built. You can search as soon as it is ready." : "The service cannot be reached. Trying again.",
        "waiting",
      );
      await wait(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)], signal);
    }
    say("");
    await served(signal);
  } catch (error) {
    if (!signal.aborted) complain(error);
  }
}

function go(url, options) {
  if (url !== location.pathname + location.search) history.pushState(null, "", url);
  scrollTo({ top: 0 });
  show(options);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const query = input.value.trim();
  if (query) go(`/?q=${encodeURIComponent(query)}`);
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-here]");
  if (!link || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(link.getAttribute("href"), { focus: true });
});

more.addEventListener("click", showMore);
addEventListener("popstate", () => show());

if (!location.search && !matchMedia("(pointer: coarse)").matches) input.focus({ preventScroll: true });
show();
