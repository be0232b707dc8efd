"""Review ids are a contract: a change of the ids makes the embedder encode every review again."""

from __future__ import annotations

from typing import Any

from services.ingest.pages.items import ReviewItem, to_review


def _id(**fields: Any) -> str:
    item = ReviewItem(
        **{"movie_id": "tt0088763", "text": "A joy from <b>end</b> to end.", **fields}
    )
    return to_review(item, "demo").review_id


def test_ids_of_reviews_stay_as_they_were_first_made() -> None:
    assert _id(external_id="tt0088763-review-2") == "demo:tt0088763-review-2"
    assert _id(url="https://www.imdb.com/review/rw0348302/") == "imdb:rw0348302"
    assert _id(external_id="a b") == "demo:c8687a08aa5d6ed2044328fa6a697ab8"
    assert _id() == "demo:63c3b07931467af31a7ac446d0b5ca6e"
    assert _id(url="https://films.example/f/1#r2") == "demo:b5c352b82d4c377dcdcfd279c26496b5"


def test_the_same_short_words_of_several_viewers_are_several_reviews() -> None:
    ids = {
        _id(),
        _id(author="Ada"),
        _id(author="Bo"),
        _id(author="Bo", published="2021-02-03"),
        _id(published="2021-02-03"),
    }
    assert len(ids) == 5


def test_a_long_text_or_a_link_of_its_own_names_a_review_whoever_wrote_it() -> None:
    long = "A joy from end to end, and then again from the end to the beginning. " * 2
    assert _id(text=long) == _id(text=long, author="Ada")
    link = "https://films.example/f/1#r2"
    assert _id(url=link) == _id(url=link, author="Ada", published="2021-02-03")
