// The page: the address says what is shown (state.js), and show() makes it so. Whatever goes wrong
// is said, and tried again where trying again can help.

import * as api from "/page/api.js";
import { hitElement } from "/page/hit.js";
import { address, conditions, isFiltered, isSearch, read, similarTo, wanted } from "/page/state.js";
import { suggestTitles } from "/page/suggestions.js";

const PAGE_SIZE = 10;
const MOST_SIMILAR = 100; // similar films are not paged by the API
const MOST = 1000;

const $ = (id) => document.getElementById(id);
const form = $("search");
const input = $("q");
const refine = $("refine");
const found = $("found");
const heading = $("heading");
const status = $("status");
const results = $("results");
const more = $("more");

const titles = new Map(); // of films that have been seen, by id
let current = null; // what is being shown or fetched: { state, about, stop }

const persist = (...request) => api.persist(say, ...request);

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

function fetchPage({ state, stop }, offset) {
  const similar = similarTo(state);
  if (!similar) return persist("/search", stop.signal, wanted(state, { k: PAGE_SIZE, offset, evidence: 2 }));
  const k = Math.min(offset + PAGE_SIZE, MOST_SIMILAR);
  return persist(`/movies/${encodeURIComponent(similar)}/similar?k=${k}&evidence=0`, stop.signal);
}

async function show({ focus = false } = {}) {
  current?.stop.abort();
  const state = read(location.search);
  const stop = new AbortController();
  current = { state, stop };
  closeSuggestions();
  fill(state);
  document.body.classList.toggle("searching", isSearch(state));
  if (!isSearch(state)) {
    found.setAttribute("aria-busy", "false");
    document.title = "Semantic Movie Search";
    clear();
    if (focus) input.focus();
    greet(stop.signal);
    return;
  }
  found.setAttribute("aria-busy", "true");
  more.hidden = true;
  // Only a slow answer is announced; a fast one would only flicker.
  const slow = setTimeout(() => say("Searching", "waiting"), 400);
  try {
    const [page] = await Promise.all([fetchPage(current, 0), nameFilms(state, stop.signal)]);
    clearTimeout(slow);
    clear();
    const liked = state.like.map(titleOf).join(", ");
    const title = state.query ? `Films for “${state.query}”` : `Films like ${liked}`;
    current.about = liked;
    heading.textContent = title;
    heading.hidden = false;
    document.title = `${title} · Semantic Movie Search`;
    add(page);
    say(summary(page, state));
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

function summary(page, state) {
  if (results.children.length) return `${results.children.length} of ${count(page.matched, "film")}, best first`;
  return isFiltered(state) ? "No film is all of that. Take a filter off." : "There are no films in the index yet.";
}

function complain(error) {
  if (error.code === "unknown-movie") say("That film is not in the index any more.", "trouble");
  else if (error.code === "invalid-request") say(`That cannot be searched for. ${error.wanted.join(". ")}.`, "trouble");
  else say(`${error.message}. Please try again.`, "trouble");
}

async function showMore() {
  const { state, stop } = current;
  const offset = results.children.length;
  more.disabled = true;
  try {
    const page = await fetchPage(current, offset);
    add({ ...page, hits: page.hits.filter((hit) => hit.rank > offset) });
    say(summary(page, state));
    results.children[offset]?.querySelector("a")?.focus();
  } catch (error) {
    if (!stop.signal.aborted) complain(error);
  } finally {
    more.disabled = false;
  }
}

function add(page) {
  const { state, about } = current;
  for (const { movie } of page.hits) titles.set(movie.movie_id, movie.title);
  results.append(...page.hits.map((hit) => hitElement(hit, state, about)));
  const most = Math.min(page.matched, similarTo(state) ? MOST_SIMILAR : MOST);
  more.hidden = results.children.length >= most || page.hits.length === 0;
}

function titleOf(id) {
  return titles.get(id) ?? id;
}

// Learn the titles of the films that the address names only by id.
async function nameFilms(state, signal) {
  const unnamed = [...state.like, ...state.unlike].filter((id) => !titles.has(id));
  await Promise.all(
    unnamed.map(async (id) => {
      const movie = await persist(`/movies/${encodeURIComponent(id)}`, signal);
      titles.set(id, movie.title);
    }),
  );
  if (unnamed.length) fillChips(state);
}

function fill(state) {
  input.value = state.query;
  input.required = !state.like.length;
  $("avoid").value = state.avoid;
  $("year_from").value = state.from ?? "";
  $("year_to").value = state.to ?? "";
  fillGenres(state.genres);
  fillChips(state);
}

const REMOVE = { like: "like ", unlike: "not like ", avoid: "without ", genre: "", years: "" };

function fillChips(state) {
  const chips = conditions(state).map(([kind, value, rest]) => {
    const text = REMOVE[kind] + (kind.endsWith("like") ? titleOf(value) : value);
    const element = $("chip").content.cloneNode(true);
    const link = element.querySelector("a");
    link.href = address(rest);
    link.classList.add(kind);
    link.setAttribute("aria-label", `${text}: remove`);
    element.querySelector(".text").textContent = text;
    return element;
  });
  $("chips").replaceChildren(...chips);
}

let genres = null; // of the index, once they are known

function fillGenres(chosen) {
  const names = [...new Set([...(genres ?? []), ...chosen])];
  $("genres").hidden = !names.length;
  $("genres").querySelector(".pills").replaceChildren(
    ...names.map((name) => {
      const element = $("pill").content.cloneNode(true);
      const box = element.querySelector("input");
      box.value = name;
      box.checked = chosen.includes(name);
      element.querySelector(".text").textContent = name;
      return element;
    }),
  );
}

async function learnFacets() {
  const facets = await api.getJson("/facets");
  if (genres) return;
  genres = facets.genres.map(({ genre }) => genre);
  fillGenres([...new FormData(form).getAll("genre")]);
  if (facets.year) {
    $("year_from").placeholder = facets.year.gte;
    $("year_to").placeholder = facets.year.lte;
  }
}

function count(n, word) {
  return `${n.toLocaleString()} ${word}${n === 1 ? "" : "s"}`;
}

// What is being served, in the footer; and before the first snapshot, the wait for it.
async function served(signal) {
  const snapshot = signal ? await persist("/snapshot", signal) : await api.getJson("/snapshot");
  $("served").textContent = `${count(snapshot.movies, "film")}, ${count(snapshot.reviews, "review")}. Snapshot ${snapshot.snapshot_id}${snapshot.degraded ? ", not the newest" : ""}.`;
  if (!genres) await learnFacets();
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
      await api.wait(api.RETRY_MS[Math.min(attempt, api.RETRY_MS.length - 1)], signal);
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

const closeSuggestions = suggestTitles(input, $("suggestions"), (title) => {
  input.value = title;
  form.requestSubmit();
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const { like, unlike } = current.state;
  const typed = read(`?${new URLSearchParams(new FormData(form))}`);
  refine.open = false;
  go(address({ ...typed, like, unlike }));
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
