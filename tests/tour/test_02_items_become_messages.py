"""Step 2: items become messages.

``services.ingest.pages.items`` cleans the texts and gives each review an id that is the same on
every crawl. ``shared.delivery.messages`` declares the messages: frozen, versioned models, each of
which is a flat map of strings on a Redis stream.
"""

from services.ingest.pages.items import ReviewItem, to_review
from shared.delivery.messages import ReviewMessage, parse


def test_an_item_becomes_a_message() -> None:
    item = ReviewItem(
        movie_id="tt0000001",
        external_id="1",
        text="<p>Slow,&nbsp;kind and&#32;warm.</p>",
        rating=8.0,
    )
    review = to_review(item, "site")
    assert review.text == "Slow, kind and warm."
    assert review.review_id == "site:1"

    message = ReviewMessage(run_id="run-1", source="site", review=review)
    fields = message.to_fields()
    assert (fields["v"], fields["kind"], fields["id"]) == ("1", "review", "site:1")
    assert parse(fields) == message
