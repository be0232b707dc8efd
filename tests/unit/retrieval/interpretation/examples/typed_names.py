"""People, countries and languages."""

from __future__ import annotations

from shared.retrieval.filters import Range
from tests.unit.retrieval.interpretation.examples.example import understood

NAMES = (
    understood("by Kubrick", directors_any=("Stanley Kubrick",)),
    understood("Tarantino movies", people_any=("Quentin Tarantino",)),
    understood(
        "starring Tom Hanks and Keira Knightley", people_any=("Tom Hanks", "Keira Knightley")
    ),
    understood("korean thriller", genres_any=("Thriller",), countries_any=("South Korea",)),
    understood("movies from Japan", countries_any=("Japan",)),
    understood("in Italian", languages_any=("Italian",)),
    understood("directed by Kubrick", directors_any=("Stanley Kubrick",)),
    understood("directed by Alfred Hitchcock", directors_any=("Alfred Hitchcock",)),
    understood(
        "films by Steven Spielberg from the 90s",
        year=Range(1990, 1999),
        directors_any=("Steven Spielberg",),
    ),
    understood("Spielberg movies", people_any=("Steven Spielberg",)),
    understood("Spielberg's thrillers", genres_any=("Thriller",), people_any=("Steven Spielberg",)),
    understood("with Tom Hanks", people_any=("Tom Hanks",)),
    understood("with Keanu Reeves and Al Pacino", people_any=("Keanu Reeves", "Al Pacino")),
    understood("Hitchcock thriller", genres_any=("Thriller",), people_any=("Alfred Hitchcock",)),
    understood("Tom Hanks comedy", genres_any=("Comedy",), people_any=("Tom Hanks",)),
    understood("french comedy", genres_any=("Comedy",), countries_any=("France",)),
    understood("in French", languages_any=("French",)),
    understood("french-language drama", genres_any=("Drama",), languages_any=("French",)),
    understood("japanese animation", genres_any=("Animation",), countries_any=("Japan",)),
    understood("from Japan", countries_any=("Japan",)),
    understood("british crime films", genres_any=("Crime",), countries_any=("United Kingdom",)),
    understood("korean", countries_any=("South Korea",)),
    understood("hitchcock", people_any=("Alfred Hitchcock",)),
    understood("kubrick, 80s", year=Range(1980, 1989), people_any=("Stanley Kubrick",)),
    understood("show me french films", countries_any=("France",)),
    understood("a movie with Tom Hanks", people_any=("Tom Hanks",)),
    understood("something sad from Japan", rest="sad", countries_any=("Japan",)),
    understood(
        "starring Jack Nicholson in a horror movie from the 80s",
        year=Range(1980, 1989),
        genres_any=("Horror",),
        people_any=("Jack Nicholson",),
    ),
    understood(
        "a 90 minute comedy from france for kids",
        genres_all=("Family", "Comedy"),
        countries_any=("France",),
        runtime_minutes=Range(80, 100),
    ),
    understood(
        "a western from 1956 by John Ford",
        year=Range(1956, 1956),
        genres_any=("Western",),
        directors_any=("John Ford",),
    ),
    understood("westerns with John Wayne", genres_any=("Western",), people_any=("John Wayne",)),
    understood("best korean movies", countries_any=("South Korea",)),
    understood("anything by Fincher", directors_any=("David Fincher",)),
    understood("film with brad pitt and a dog", rest="dog", people_any=("Brad Pitt",)),
    understood(
        "italian horror from the 70s",
        year=Range(1970, 1979),
        genres_any=("Horror",),
        countries_any=("Italy",),
    ),
    understood("english language", languages_any=("English",)),
    understood("movies w/ tom hanks", people_any=("Tom Hanks",)),
    understood("anything by miyazaki", directors_any=("Hayao Miyazaki",)),
    understood("french movies", countries_any=("France",)),
    understood("movies in spanish", languages_any=("Spanish",)),
    understood("spanish language", languages_any=("Spanish",)),
    understood(
        "directed by tarantino starring uma thurman",
        directors_any=("Quentin Tarantino",),
        people_any=("Uma Thurman",),
    ),
    understood("kubricks movies", people_any=("Stanley Kubrick",)),
    understood("hitchcock's best", people_any=("Alfred Hitchcock",)),
    understood("any kurosawa movie", people_any=("Akira Kurosawa",)),
    understood("coen brothers", people_any=("Ethan Coen", "Joel Coen")),
    understood("the coen brothers", people_any=("Ethan Coen", "Joel Coen")),
    understood("coen bros movies", people_any=("Ethan Coen", "Joel Coen")),
    understood("by the coens", directors_any=("Ethan Coen", "Joel Coen")),
    understood("by the coen brothers", directors_any=("Ethan Coen", "Joel Coen")),
    understood("wachowskis", people_any=("Lana Wachowski", "Lilly Wachowski")),
    understood("a movie by the wachowskis", directors_any=("Lana Wachowski", "Lilly Wachowski")),
    understood(
        "films of the coen brothers from the 90s",
        year=Range(1990, 1999),
        people_any=("Ethan Coen", "Joel Coen"),
    ),
    understood(
        "the coens' comedies", genres_any=("Comedy",), people_any=("Ethan Coen", "Joel Coen")
    ),
    understood("spielbergs best movies", people_any=("Steven Spielberg",)),
    understood("joel coen", people_any=("Joel Coen",)),
    understood("hitchcock or kubrick", people_any=("Alfred Hitchcock", "Stanley Kubrick")),
    understood("hitchcock and kubrick movies", people_any=("Stanley Kubrick", "Alfred Hitchcock")),
    understood("brad pit movies", people_any=("Brad Pitt",)),
    understood("brad pitt 90s", year=Range(1990, 1999), people_any=("Brad Pitt",)),
    understood("tom hank movie", people_any=("Tom Hanks",)),
    understood("keanu reaves", people_any=("Keanu Reeves",)),
    understood(
        "south korean revenge thriller",
        rest="revenge",
        genres_any=("Thriller",),
        countries_any=("South Korea",),
    ),
    understood(
        "french romantic comedy", genres_all=("Comedy", "Romance"), countries_any=("France",)
    ),
    understood(
        "movies by christopher nolan, david fincher",
        directors_any=("Christopher Nolan", "David Fincher"),
    ),
    understood(
        "ridley scott or james cameron sci-fi",
        genres_any=("Sci-Fi",),
        people_any=("Ridley Scott", "James Cameron"),
    ),
    understood("guillermo del torro", people_any=("Guillermo del Toro",)),
    understood(
        "western w/ john wayne before 1960",
        year=Range(None, 1959),
        genres_any=("Western",),
        people_any=("John Wayne",),
    ),
    understood(
        "audrey tautou romcom", genres_all=("Comedy", "Romance"), people_any=("Audrey Tautou",)
    ),
    understood(
        "korean horror w/ zombies",
        rest="zombies",
        genres_any=("Horror",),
        countries_any=("South Korea",),
    ),
    understood(
        "british comedies of the 80's",
        year=Range(1980, 1989),
        genres_any=("Comedy",),
        countries_any=("United Kingdom",),
    ),
    understood(
        "film in french with english subtitles", rest="english subtitles", languages_any=("French",)
    ),
    understood("nolan", people_any=("Christopher Nolan",)),
)
