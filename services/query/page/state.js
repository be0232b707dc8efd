// What the address says: ?q= a query, &avoid=, &like= and &unlike= film ids, &genre=, &year_from=,
// &year_to=. One like= and nothing else is the list of films similar to that one.

const MOST_FILMS = 10;

export function read(search) {
  const parameters = new URLSearchParams(search);
  const text = (name) => (parameters.get(name) ?? "").trim();
  const all = (name) => [...new Set(parameters.getAll(name).filter(Boolean))];
  const year = (name) => (/^\d{1,4}$/.test(text(name)) ? Number(text(name)) : null);
  const like = all("like").slice(0, MOST_FILMS);
  return {
    query: text("q"),
    avoid: text("avoid"),
    like,
    unlike: all("unlike").filter((id) => !like.includes(id)).slice(0, MOST_FILMS),
    genres: all("genre"),
    from: year("year_from"),
    to: year("year_to"),
  };
}

export function address(state) {
  const parameters = new URLSearchParams();
  if (state.query) parameters.append("q", state.query);
  if (state.avoid) parameters.append("avoid", state.avoid);
  for (const id of state.like) parameters.append("like", id);
  for (const id of state.unlike) parameters.append("unlike", id);
  for (const genre of state.genres) parameters.append("genre", genre);
  if (state.from !== null) parameters.append("year_from", state.from);
  if (state.to !== null) parameters.append("year_to", state.to);
  const text = parameters.toString();
  return text ? `/?${text}` : "/";
}

export function isSearch(state) {
  return Boolean(state.query || state.like.length);
}

export function isFiltered(state) {
  return Boolean(state.genres.length || state.from !== null || state.to !== null);
}

// The film whose similar films are asked for, if that is all that is asked.
export function similarTo(state) {
  const alone = state.like.length === 1 && !state.query && !state.avoid && !state.unlike.length && !isFiltered(state);
  return alone ? state.like[0] : null;
}

// The search as the API takes it.
export function wanted(state, page) {
  return {
    ...(state.query && { query: state.query }),
    ...(state.avoid && { avoid: state.avoid }),
    like: state.like,
    unlike: state.unlike,
    filters: { genres: { any: state.genres }, year: { gte: state.from, lte: state.to } },
    ...page,
  };
}

export function withFilm(state, id, liked) {
  const others = (ids) => ids.filter((other) => other !== id);
  const like = others(state.like);
  const unlike = others(state.unlike);
  (liked ? like : unlike).push(id);
  return { ...state, like: like.slice(-MOST_FILMS), unlike: unlike.slice(-MOST_FILMS) };
}

// What can be taken off a search one by one: [what it is, its value, the search without it].
export function conditions(state) {
  const without = (name, value) => ({ ...state, [name]: state[name].filter((other) => other !== value) });
  const years = { ...state, from: null, to: null };
  return [
    ...state.like.map((id) => ["like", id, without("like", id)]),
    ...state.unlike.map((id) => ["unlike", id, without("unlike", id)]),
    ...(state.avoid ? [["avoid", state.avoid, { ...state, avoid: "" }]] : []),
    ...state.genres.map((genre) => ["genre", genre, without("genres", genre)]),
    ...(state.from !== null || state.to !== null ? [["years", `${state.from ?? ""}–${state.to ?? ""}`, years]] : []),
  ];
}
