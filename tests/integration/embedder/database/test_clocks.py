"""A clock that was ahead hides no later edit for as long as it was ahead."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, select, update

from services.embedder.database.engine import reading, writing
from services.embedder.database.models import MOVIES, REVIEWS
from services.embedder.database.review_store import MOST_AHEAD_S
from tests.support.embedder.arrivals import arrive, movie, review

YEAR = timedelta(days=365)


def _stored(engine: Engine) -> tuple[str, float]:
    with reading(engine) as connection:
        text, fetched_at = connection.execute(select(REVIEWS.c.text, REVIEWS.c.fetched_at)).one()
    return text, fetched_at


async def test_an_edit_is_stored_after_a_fetch_in_the_future(engine: Engine) -> None:
    now = datetime.now(UTC)
    await arrive(engine, review("a", text="First.", fetched_at=now + YEAR))
    text, fetched_at = _stored(engine)
    assert text == "First."
    assert fetched_at <= datetime.now(UTC).timestamp()
    await arrive(engine, review("a", text="Second.", fetched_at=datetime.now(UTC)))
    assert _stored(engine)[0] == "Second."
    await arrive(engine, review("a", text="Old.", fetched_at=now - YEAR))
    assert _stored(engine)[0] == "Second."


async def test_an_edit_is_stored_after_all_clocks_were_ahead(engine: Engine) -> None:
    """Also the embedder's, so that the time in the future is in the database."""
    await arrive(engine, review("a", text="First."), movie("tt1"))
    ahead = (datetime.now(UTC) + YEAR).timestamp()
    with writing(engine) as connection:
        connection.execute(update(REVIEWS).values(fetched_at=ahead))
        connection.execute(update(MOVIES).values(fetched_at=ahead))
    now = datetime.now(UTC)
    named = movie("tt1")
    renamed = named.model_copy(
        update={"movie": replace(named.movie, title="Renamed"), "fetched_at": now}
    )
    await arrive(engine, review("a", text="Second.", fetched_at=now), renamed)
    assert _stored(engine) == ("Second.", now.timestamp())
    with reading(engine) as connection:
        assert connection.execute(select(MOVIES.c.title)).scalar_one() == "Renamed"


async def test_two_clocks_that_differ_a_little_keep_the_order_of_fetches(engine: Engine) -> None:
    await arrive(engine, review("a", text="First."))
    soon = datetime.now(UTC).timestamp() + MOST_AHEAD_S / 2
    with writing(engine) as connection:
        connection.execute(update(REVIEWS).values(fetched_at=soon))
    await arrive(engine, review("a", text="Before.", fetched_at=datetime.now(UTC)))
    assert _stored(engine)[0] == "First."


async def test_equal_fetch_times_let_the_later_message_stand(engine: Engine) -> None:
    """One page may name a review twice; what came last is what the page says last."""
    now = datetime.now(UTC)
    await arrive(engine, review("a", text="First.", fetched_at=now))
    await arrive(engine, review("a", text="Second.", fetched_at=now))
    assert _stored(engine)[0] == "Second."
