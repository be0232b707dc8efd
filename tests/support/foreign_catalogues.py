"""Small catalogues in Spanish and German, written for the tests; movies and people are invented."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from shared.delivery.messages import MovieMessage, ReviewMessage
from shared.record import MovieRecord, ReviewRecord


class ForeignMovie(NamedTuple):
    """A movie with its facts, and the texts of its reviews."""

    title: str
    year: int
    genre: str
    director: str
    reviews: tuple[str, ...]


SPANISH = {
    "es1": ForeignMovie(
        "La casa del faro", 1999, "Drama", "Inés Valdoria",
        ("Una historia muy triste sobre dos hermanas que esperan una carta.",
         "No es para reír: la tristeza del mar llena cada escena."),
    ),
    "es2": ForeignMovie(
        "Verano de bicicletas", 2008, "Comedia", "Raúl Ostendi",
        ("Niños traviesos y canciones divertidas; salí riendo del cine.",
         "Las canciones son alegres y el perro roba la película."),
    ),
    "es3": ForeignMovie(
        "Sombras en la mina", 1987, "Terror", "Inés Valdoria",
        ("Da mucho miedo: ruidos, oscuridad y sangre en los túneles.",
         "Los mineros oyen voces. Terrorífica, aunque algo lenta."),
    ),
    "es4": ForeignMovie(
        "El último tranvía", 2015, "Romance", "Tomás Beriain",
        ("Se enamoran en un tranvía y se pierden en la lluvia.",
         "Un amor tierno entre desconocidos, con poca conversación."),
    ),
    "es5": ForeignMovie(
        "Mapa de nieve", 2003, "Aventura", "Raúl Ostendi",
        ("Alpinistas que buscan un refugio; aventuras heladas y peligrosas.",
         "La montaña es la protagonista, sin villanos ni disparos."),
    ),
}  # fmt: skip
GERMAN = {
    "de1": ForeignMovie(
        "Das Haus am Deich", 1999, "Drama", "Jutta Wiesenfeld",
        ("Eine sehr traurige Geschichte über zwei Schwestern, die auf einen Brief warten.",
         "Nicht zum Lachen: die Trauer liegt über den Häusern."),
    ),
    "de2": ForeignMovie(
        "Sommer der Fahrräder", 2008, "Komödie", "Ole Brinkhaus",
        ("Freche Kinder und lustige Lieder; ich habe das Kino lachend verlassen.",
         "Die Lieder sind fröhlich, und der Hund stiehlt allen die Schau."),
    ),
    "de3": ForeignMovie(
        "Schatten im Schacht", 1987, "Horror", "Jutta Wiesenfeld",
        ("Das macht große Angst: Geräusche, Dunkelheit und Blut in den Stollen.",
         "Die Bergleute hören Stimmen. Gruselig, wenn auch etwas langsam."),
    ),
    "de4": ForeignMovie(
        "Die letzte Tram", 2015, "Liebesfilm", "Timo Achterberg",
        ("Sie verlieben sich in der Tram und verlieren sich im Regen.",
         "Eine zärtliche Liebe zwischen Fremden, mit wenigen Worten."),
    ),
    "de5": ForeignMovie(
        "Karte aus Schnee", 2003, "Abenteuer", "Ole Brinkhaus",
        ("Bergsteiger suchen eine Hütte; eisige und gefährliche Abenteuer.",
         "Der Berg spielt die Hauptrolle, ohne Schurken und ohne Schüsse."),
    ),
}  # fmt: skip
CATALOGUES = {"es": SPANISH, "de": GERMAN}


def messages_of(
    catalogue: Mapping[str, ForeignMovie], *, run: str
) -> list[MovieMessage | ReviewMessage]:
    """The messages by which ingest sends a catalogue."""
    sent: list[MovieMessage | ReviewMessage] = []
    for movie_id, movie in catalogue.items():
        record = MovieRecord(
            movie_id, title=movie.title, year=movie.year, genres=(movie.genre,),
            directors=(movie.director,),
        )  # fmt: skip
        sent.append(MovieMessage(run_id=run, source="test", movie=record))
        for number, text in enumerate(movie.reviews):
            review = ReviewRecord(review_id=f"{movie_id}-{number}", movie_id=movie_id, text=text)
            sent.append(ReviewMessage(run_id=run, source="test", review=review))
    return sent
