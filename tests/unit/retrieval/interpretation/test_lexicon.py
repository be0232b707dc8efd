from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.retrieval.interpretation.lexicon import Lexicon, MovieNames
from shared.retrieval.titles.titles import Titles

MOVIES = [
    MovieNames(
        "Alien", ("Sci-Fi", "Horror"), ("Ridley Scott",), ("Sigourney Weaver",), ("UK",), ("en",)
    ),
    MovieNames(
        "Parasite", ("Comedy", "Thriller"), ("Bong Joon-ho",), ("Song Kang-ho",), ("South Korea",),
        ("Korean",),
    ),
    MovieNames("Volver", ("Drama",), ("Pedro Almodóvar",), ("Penélope Cruz",), ("Spain",)),
    MovieNames("Blow", ("Biography",), ("Ted Demme",), ("Penelope Cruz",), ("United States",)),
    MovieNames("Broken Embraces", (), ("Pedro Almodóvar",), ("Penélope Cruz",)),
    MovieNames("Das Boot", ("War",), ("Wolfgang Petersen",), (), ("West Germany",), ("German",)),
    MovieNames("Hero", ("Action",), ("Zhang Yimou",), ("Jet Li",), ("China",), ("Mandarin",)),
    MovieNames("Big Fish", ("Family", "Romance"), ("Tim Burton",), ("Ewan McGregor",)),
    MovieNames("Dogville", (), ("Lars von Trier",), ("Nicole Kidman", "Emma Stone")),
    MovieNames("Jackie Brown", (), (), ("Samuel L. Jackson", "Michael Keaton")),
    MovieNames("Thriller", (), (), ("Michael Jackson", "Robert Downey Jr.")),
    MovieNames("Our Little Sister", (), ("Hirokazu Kore-eda",), ()),
]  # fmt: skip
lexicon = Lexicon(MOVIES, Titles((n, movie.title or "") for n, movie in enumerate(MOVIES)))


@pytest.mark.parametrize(
    ("phrase", "genre"),
    [
        ("comedy", "Comedy"), ("Comedies", "Comedy"), ("comedic", "Comedy"), ("sci-fi", "Sci-Fi"),
        ("scifi", "Sci-Fi"), ("science fiction", "Sci-Fi"), ("thrillers", "Thriller"),
        ("biopic", "Biography"), ("for kids", "Family"), ("love story", "Romance"),
        ("war", "War"), ("romantic", None), ("love", None), ("scary", None), ("western", None),
        ("", None),
    ],
)  # fmt: skip
def test_genres_in_the_spelling_of_the_catalogue(phrase: str, genre: str | None) -> None:
    assert lexicon.genre(phrase) == genre


def test_a_word_may_mean_two_genres() -> None:
    for phrase in ("rom-com", "romcoms", "romantic comedy", "Romantic Comedies"):
        assert lexicon.genres(phrase) == ("Comedy", "Romance")
    assert lexicon.genres("horror") == ("Horror",)
    assert lexicon.genres("spaghetti western") is None


def test_genres_as_another_catalogue_calls_them() -> None:
    names = ("Science Fiction", "Children's", "Film Noir", "Action & Adventure", "Love", "Kaiju")
    other = Lexicon([MovieNames(genres=names)], Titles([]))
    assert other.genre("sci-fi") == "Science Fiction"
    assert other.genre("for kids") == "Children's"
    assert other.genre("noir") == "Film Noir"
    assert other.genre("adventure") == "Action & Adventure"
    assert other.genre("romance") == "Love"
    assert other.genre("love") is None
    assert other.genre("kaiju") == "Kaiju"


@pytest.mark.parametrize(
    ("phrase", "name"),
    [
        ("ridley scott", "Ridley Scott"), ("Ridly Scot", None), ("ridly scott", "Ridley Scott"),
        ("scott", "Ridley Scott"), ("bong joon ho", "Bong Joon-ho"),
        ("joon-ho bong", "Bong Joon-ho"), ("almodovar", "Pedro Almodóvar"),
        ("pedro almadovar", "Pedro Almodóvar"), ("penelope cruz", "Penélope Cruz"),
        ("von trier", "Lars von Trier"), ("samuel jackson", "Samuel L. Jackson"),
        ("jackson", None), ("downey", "Robert Downey Jr."), ("kore-eda", "Hirokazu Kore-eda"),
        ("stone", None), ("emma stone", "Emma Stone"), ("emma store", "Emma Stone"),
        ("sigourny weever", None), ("michael", None), ("big fish", None), ("", None),
        ("sigourney waever", "Sigourney Weaver"),
    ],
)  # fmt: skip
def test_people(phrase: str, name: str | None) -> None:
    assert lexicon.person(phrase) == name


def test_directors_are_known() -> None:
    assert lexicon.is_director("Pedro Almodovar")
    assert not lexicon.is_director("Penélope Cruz")


def test_a_surname_of_several_means_the_one_with_most_movies_by_far() -> None:
    movies = [MovieNames(directors=("Michael Mann",))] * 8 + [
        MovieNames(people=("Alice Mann",))
    ] * 2
    assert Lexicon(movies, Titles([])).person("mann") == "Michael Mann"
    assert Lexicon(movies[6:], Titles([])).person("mann") is None


FAMILIES = Lexicon(
    [
        MovieNames("Fargo", (), ("Joel Coen", "Ethan Coen"), ("Frances McDormand",)),
        MovieNames("Raising Arizona", (), ("Joel Coen",), ()),
        MovieNames("The Matrix", (), ("Lana Wachowski",), ("Lilly Wachowski", "Keanu Reeves")),
        MovieNames("Jaws", (), ("Steven Spielberg",), ("Roy Scheider",)),
        MovieNames("King Kong", (), ("Peter Jackson",), ("Jack Black",)),
        MovieNames("Pulp Fiction", (), (), ("Samuel L. Jackson", "Jack Warner", "Sam Warner")),
        MovieNames("Two Days, One Night", (), ("Luc Dardenne",), ()),
        MovieNames("Summer", (), (), ("Donna Waters", "John Waters")),
    ],
    Titles([]),
)


@pytest.mark.parametrize(
    ("phrase", "names"),
    [
        ("the Coen Brothers", ("Joel Coen", "Ethan Coen")), ("coens", ("Joel Coen", "Ethan Coen")),
        ("coen bros.", ("Joel Coen", "Ethan Coen")), ("coen", ()), ("the coen", ()),
        ("brothers coen", ()), ("wachowski sisters", ("Lana Wachowski", "Lilly Wachowski")),
        ("the wachowskis", ("Lana Wachowski", "Lilly Wachowski")), ("jackson brothers", ()),
        ("jacksons", ()), ("spielbergs", ("Steven Spielberg",)), ("warner brothers", ()),
        ("dardenne brothers", ("Luc Dardenne",)), ("waters", ()), ("brothers", ()), ("", ()),
        ("two brothers", ()), ("the brothers", ()), ("water brothers", ()),
        ("waters brothers", ("Donna Waters", "John Waters")),
    ],
)  # fmt: skip
def test_families_that_worked_together(phrase: str, names: tuple[str, ...]) -> None:
    assert FAMILIES.family(phrase) == names


def test_countries_and_languages() -> None:
    assert lexicon.country("korean") == "South Korea"
    assert lexicon.language("Korean") == "Korean"
    assert lexicon.country("british") == "UK"
    assert lexicon.country("english") is None
    assert lexicon.language("english") == "en"
    assert lexicon.countries("german") == ("West Germany",)
    assert lexicon.country("american") == lexicon.country("usa") == "United States"
    assert lexicon.languages("chinese") == ("Mandarin",)
    assert lexicon.country("french") is None
    assert lexicon.language("french") is None
    assert lexicon.language("it") is None
    assert lexicon.country("scott") is None


def test_a_language_of_its_own_name_is_known() -> None:
    other = Lexicon([MovieNames(countries=("Wakanda",), languages=("Klingon",))], Titles([]))
    assert (other.country("wakanda"), other.language("klingon")) == ("Wakanda", "Klingon")


@given(st.text(max_size=40))
def test_only_names_of_the_catalogue_come_back(phrase: str) -> None:
    assert lexicon.genre(phrase) in {None, *(genre for movie in MOVIES for genre in movie.genres)}
    assert lexicon.country(phrase) in {
        None,
        *(name for movie in MOVIES for name in movie.countries),
    }
    assert lexicon.language(phrase) in {
        None,
        *(name for movie in MOVIES for name in movie.languages),
    }
    people = {name for movie in MOVIES for name in (*movie.directors, *movie.people)}
    assert lexicon.person(phrase) in {None, *people}


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=4))
def test_every_name_is_found(names: list[str]) -> None:
    other = Lexicon([MovieNames(people=(name,)) for name in names], Titles([]))
    for name in names:
        found = other.person(name)
        assert found is None or found in names
        if name.isascii() and name.isalpha():
            assert found is not None
            assert found.lower() == name.lower() or not found.isalpha()
