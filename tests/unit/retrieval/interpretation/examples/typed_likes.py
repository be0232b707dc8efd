"""Movies that a text compares with."""

from __future__ import annotations

from shared.retrieval.filters import Range
from tests.unit.retrieval.interpretation.examples.example import understood

LIKES = (
    understood(
        "something like Amélie but sadder, 90s, no romance",
        rest="sadder",
        year=Range(1990, 1999),
        genres_none=("Romance",),
        like=("Amélie",),
    ),
    understood("cross between Alien and Jaws", like=("Alien", "Jaws")),
    understood("Amélie but sadder", rest="sadder", like=("Amélie",)),
    understood(
        "movies like Pride and Prejudice but modern", rest="modern", like=("Pride & Prejudice",)
    ),
    understood("anything like The Thing", like=("The Thing",)),
    understood("a film similar to Vertigo", like=("Vertigo",)),
    understood("in the vein of Die Hard", like=("Die Hard",)),
    understood(
        "in the style of Psycho but funny", rest="funny", genres_any=("Comedy",), like=("Psycho",)
    ),
    understood("reminds me of Spirited Away", like=("Spirited Away",)),
    understood("if you liked Jaws", like=("Jaws",)),
    understood("I loved Annie Hall, something lighter", rest="lighter", like=("Annie Hall",)),
    understood(
        "horror movies like Alien from the 80s",
        year=Range(1980, 1989),
        genres_any=("Horror",),
        like=("Alien",),
    ),
    understood(
        "a comedy like The Princess Bride without swords",
        genres_any=("Comedy",),
        avoid="swords",
        like=("The Princess Bride",),
    ),
    understood("mix of Alien and Jaws", like=("Alien", "Jaws")),
    understood("something like Alien or The Thing", like=("Alien", "The Thing")),
    understood("movies like Heat and Pulp Fiction", like=("Heat", "Pulp Fiction")),
    understood("like Up but for adults", rest="for adults", like=("Up",)),
    understood("something like Amelie but sadder", rest="sadder", like=("Amélie",)),
    understood("movies like Forest Gump", like=("Forrest Gump",)),
    understood("Alien meets Jaws", like=("Alien", "Jaws")),
    understood("The Matrix but in medieval times", rest="in medieval times", like=("The Matrix",)),
    understood("like Se7en but less gory", avoid="gory", like=("Se7en",)),
    understood("similar to the matrix but less action", avoid="action", like=("The Matrix",)),
    understood(
        "gritty 70s crime film like Heat",
        rest="gritty",
        year=Range(1970, 1979),
        genres_any=("Crime",),
        like=("Heat",),
    ),
    understood("mind-bending movies like The Matrix", rest="mind-bending", like=("The Matrix",)),
    understood("like pulp fiction", like=("Pulp Fiction",)),
    understood("smth like jaws", like=("Jaws",)),
    understood("sth like die hard but funnier", rest="funnier", like=("Die Hard",)),
    understood("if i liked heat what should i watch", like=("Heat",)),
    understood("SOMETHING LIKE AMELIE", like=("Amélie",)),
    understood("what should i watch if i liked heat", like=("Heat",)),
    understood("less violent than heat", avoid="violent", like=("Heat",)),
    understood("scarier than alien", rest="scarier", like=("Alien",)),
    understood("more uplifting than se7en please", rest="more uplifting", like=("Se7en",)),
    understood("matrix type movies", like=("The Matrix",)),
    understood("the matrix-like films", like=("The Matrix",)),
    understood("jaws vibes", like=("Jaws",)),
    understood("alien-esque horror", genres_any=("Horror",), like=("Alien",)),
    understood("movies such as vertigo", like=("Vertigo",)),
    understood("big fan of jaws", like=("Jaws",)),
    understood("amelie vibes but darker", rest="darker", like=("Amélie",)),
    understood("titanic but funny", rest="funny", genres_any=("Comedy",), like=("Titanic",)),
)
