// A film that was found, as an element. Whatever a source says goes in as text, never as markup.

import { address, withFilm } from "/page/state.js";

const template = (id) => document.getElementById(id).content.cloneNode(true);

export function hitElement(hit, state, about) {
  const element = template("hit");
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
  part("evidence").append(...(hit.reason ? reasonElements(hit, about) : hit.evidence.map((passage) => quoteElement(passage))));
  const actions = {
    "like-this": address(withFilm(state, movie.movie_id, true)),
    "unlike-this": address(withFilm(state, movie.movie_id, false)),
    similar: `/?like=${encodeURIComponent(movie.movie_id)}`,
  };
  for (const [name, url] of Object.entries(actions)) {
    part(name).href = url;
    part(name).setAttribute("aria-label", `${part(name).textContent}: ${movie.title}`);
  }
  return element;
}

// Why a film is similar: what the viewers of both say.
function reasonElements({ movie, reason }, about) {
  return [quoteElement(reason.this_movie, `on ${about}`), quoteElement(reason.other_movie, `on ${movie.title}`)];
}

function quoteElement(passage, of = "") {
  const element = template("quote");
  element.querySelector("blockquote p").textContent = passage.text.replace(/^["“”]+|["“”]+$/g, "");
  const rating = passage.rating === null ? "" : `rated ${number(passage.rating)}/10`;
  const source = isWeb(passage.url) ? linked("the review", passage.url) : rating && !of ? "a viewer" : "";
  const said = [of, source, rating].filter(Boolean);
  element.querySelector("figcaption").append(...said.flatMap((part, n) => (n ? [", ", part] : [part])));
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
