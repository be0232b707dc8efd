"""These sources are invented, so that their messages use all that a message can have."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from .old import old


@dataclass(frozen=True)
class SecondRun:
    """These are the messages of a run, by what has become of them when the process ends."""

    stored: list[Any]
    delivered: list[Any]
    unread: list[Any]


class Club:
    """This invented movie club uses every field of the messages."""

    QUARANTINED = "club:2-3"
    """The review whose vectors were not finite."""
    KEPT_BY_A_MIRROR = ("movie/club:1", "review/club:1-1")
    FETCHED = datetime(2025, 6, 1, 12, 0, 0, tzinfo=UTC)

    @classmethod
    def movie(cls, run_id: str, name: str, *, source: str = "club", **facts: Any) -> Any:
        """Make the message of a movie, which is the club's if no other source is given."""
        messages = old("shared.messages")
        return messages.MovieMessage(
            run_id=run_id, source=source, fetched_at=cls.FETCHED,
            movie=messages.Movie(movie_id=name, **facts),
        )  # fmt: skip

    @classmethod
    def review(
        cls, run_id: str, name: str, movie_id: str, text: str, *, source: str = "club", **facts: Any
    ) -> Any:
        """Make the message of a review, which is the club's if no other source is given."""
        messages = old("shared.messages")
        return messages.ReviewMessage(
            run_id=run_id, source=source, fetched_at=cls.FETCHED,
            review=messages.Review(review_id=name, movie_id=movie_id, text=text, **facts),
        )  # fmt: skip

    @classmethod
    def lamp(cls, run_id: str) -> Any:
        """Make a movie of which everything is known."""
        return cls.movie(
            run_id, "club:1", title="The Lamp Keeper", year=1931, genres=("Drama", "Romance"),
            directors=("A. Invented", "B. Invented"), rating=7.4, url="https://club.example/1",
            description="A keeper of a lamp grows old beside the sea and writes to nobody.",
        )  # fmt: skip

    @classmethod
    def first(cls, run_id: str) -> list[Any]:
        """Make a complete run: three movies, one without reviews, and a review of a fourth."""
        return [
            cls.lamp(run_id),
            cls.review(
                run_id, "club:1-1", "club:1", "Slow, and old as the sea. He dies at the end.",
                rating=9.5, title="At the end of the pier", author="Zoë Ünlü", spoiler=True,
                published=date(2024, 2, 29), url="https://club.example/1#1", language="en",
            ),
            cls.review(run_id, "club:1-2", "club:1", "Too slow for me.", rating=0, spoiler=False),
            cls.movie(run_id, "club:2", title="Station to Nowhere", year=1944),
            cls.review(run_id, "club:2-1", "club:2", "A train station in a war. Kind and funny."),
            cls.movie(run_id, "club:3", title="Nobody Came"),
            cls.review(run_id, "club:4-1", "club:4", "Nameless, but I liked the dog. Très bien."),
        ]  # fmt: skip

    @classmethod
    def only_one(cls, run_id: str) -> list[Any]:
        """Make a run with so few of the movies that the guard refuses to remove the others."""
        return [cls.lamp(run_id)]

    @classmethod
    def second(cls, run_id: str) -> SecondRun:
        """Make a run that is half stored when the process ends."""
        return SecondRun(
            stored=[
                cls.review(run_id, "club:1-1", "club:1", "Seen again: slow, old, and dear to me."),
                cls.review(run_id, "club:2-2", "club:2", "The war is far, the station is full."),
                cls.review(run_id, cls.QUARANTINED, "club:2", "This one has no usable vectors."),
            ],
            delivered=[
                cls.movie(run_id, "club:5", title="Five Bells", year=1950, genres=("Comedy",)),
                cls.review(run_id, "club:5-1", "club:5", "Five bells, four sailors, one joke."),
                cls.review(
                    run_id, "club:1-3", "club:1", "The lamp goes out. I wept on the stairs."
                ),
            ],
            unread=[
                cls.movie(run_id, "club:3", title="Nobody Came, Again", year=1951),
                cls.review(run_id, "club:3-1", "club:3", "Somebody came after all, with a cake."),
            ],
        )

    @staticmethod
    def end(run_id: str, items: SecondRun) -> Any:
        """Make the end of the second run: it has not seen all of the source."""
        messages = old("shared.messages")
        sent = [*items.stored, *items.delivered, *items.unread]
        ids = {messages.ledger_id(one.kind, one.item_id) for one in sent}
        return messages.RunEnd(
            run_id=run_id, source="club", emitted=len(ids), checksum=messages.checksum_of_ids(ids)
        )


class Wire:
    """This invented source has a run that loses an item."""

    @staticmethod
    def items(run_id: str) -> list[Any]:
        """Make a movie and three reviews, the last of which never arrives."""
        movie = Club.movie(
            run_id, "wire:1", source="wire", title="Wires over the Valley", year=1962
        )
        texts = ("Crossed wires and cross people.", "A valley, a hum, a phone.", "Never arrives.")
        reviews = [
            Club.review(run_id, f"wire:1-{number}", "wire:1", text, source="wire", rating=number)
            for number, text in enumerate(texts, 1)
        ]
        return [movie, *reviews]


class Archive:
    """This invented source has a crawl that is still going on."""

    @staticmethod
    def review(run_id: str, name: str, text: str) -> Any:
        """Make a review of the archive's only movie."""
        return Club.review(run_id, name, "archive:a", text, source="archive", rating=6)

    @classmethod
    def searchable(cls, run_id: str) -> list[Any]:
        """Make what is in the newer snapshot, although the run has not ended."""
        return [
            Club.movie(run_id, "archive:a", source="archive", title="Reel Found in a Barn"),
            cls.review(run_id, "archive:0", "Dust, straw, and the first ten minutes of a farce."),
        ]

    @classmethod
    def delivered(cls, run_id: str) -> list[Any]:
        """Make what a dead embedder had taken; the last of it had ended the process six times."""
        return [
            cls.review(run_id, "archive:1", "A barn, a reel, a horse that looks at the camera."),
            cls.review(run_id, "archive:2", "Poison for those who handle it."),
        ]

    @classmethod
    def unread(cls, run_id: str) -> list[Any]:
        """Make what has not been read yet."""
        return [cls.review(run_id, "archive:3", "The last minute is missing, thank goodness.")]
