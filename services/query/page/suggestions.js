// Titles while one is being typed: a combobox with a listbox, as the ARIA Authoring Practices have
// it. Enter searches for what was typed unless a title was chosen with the arrows. That suggestions
// are missing is never worth a word: they are tried again with the next letter.

import { getJson } from "/page/api.js";

const PAUSE_MS = 150;
const MOST_WORDS = 8; // longer texts are descriptions
const SHOWN = 6;

export function suggestTitles(input, list, choose) {
  let active = -1;
  let timer;
  let stop = new AbortController();

  function close() {
    clearTimeout(timer);
    stop.abort();
    list.hidden = true;
    list.replaceChildren();
    activate(-1);
    input.setAttribute("aria-expanded", "false");
  }

  function activate(n) {
    list.children[active]?.setAttribute("aria-selected", "false");
    active = n;
    const option = list.children[n];
    if (!option) {
      input.removeAttribute("aria-activedescendant");
      return;
    }
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", option.id);
  }

  function optionElement({ title, year }, n) {
    const option = document.createElement("li");
    option.id = `suggestion-${n}`;
    option.role = "option";
    option.setAttribute("aria-selected", "false");
    option.dataset.title = title;
    option.textContent = year === null ? title : `${title} (${year})`;
    return option;
  }

  async function look() {
    const typed = input.value.trim();
    stop.abort();
    stop = new AbortController();
    const { signal } = stop;
    if (typed.length < 2 || typed.split(/\s+/).length > MOST_WORDS) return close();
    try {
      const { suggestions } = await getJson(`/suggest?q=${encodeURIComponent(typed)}&limit=${SHOWN}`, signal);
      if (!suggestions.length || document.activeElement !== input) return close();
      activate(-1);
      list.replaceChildren(...suggestions.map(optionElement));
      list.hidden = false;
      input.setAttribute("aria-expanded", "true");
    } catch {
      if (!signal.aborted) close();
    }
  }

  function take(option) {
    const { title } = option.dataset;
    close();
    choose(title);
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE_MS);
  });
  input.addEventListener("keydown", (event) => {
    const count = list.children.length;
    if (!count || event.isComposing) return;
    if (event.key === "ArrowDown") activate(active + 1 < count ? active + 1 : -1);
    else if (event.key === "ArrowUp") activate(active === -1 ? count - 1 : active - 1);
    else if (event.key === "Escape") close();
    else if (event.key === "Enter" && active >= 0) take(list.children[active]);
    else return;
    event.preventDefault();
  });
  input.addEventListener("blur", close);
  list.addEventListener("pointerdown", (event) => event.preventDefault()); // keep the focus
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) take(option);
  });
  return close;
}
