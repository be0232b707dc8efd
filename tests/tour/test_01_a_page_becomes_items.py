"""Step 1: a spider reads a page and yields items.

``services.ingest.pages.schema_org.extraction`` finds movies and reviews in a page's markup. It is
pure: bytes in, items out. Items hold what the page says, as it says it. The other formats
(``pages/imdb``, ``pages/datasets``) yield the same items.
"""

from services.ingest.pages.schema_org.extraction import extract
from tests.tour.journey import HARBOUR_PAGE, HARBOUR_URL, SOURCE


def test_a_page_becomes_items() -> None:
    content = extract(HARBOUR_PAGE, HARBOUR_URL, SOURCE)

    [movie] = content.movies
    assert movie.movie.title == "The Quiet Harbour"
    assert movie.movie.year == 1974
    assert movie.movie.movie_id == "tt0000001"  # IMDb's id, because the page names it
    assert [review.author for review in movie.reviews] == ["Ada", "Ben"]
    assert content.unread == []  # what cannot be read is listed, and the rest is read
