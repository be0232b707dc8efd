"""What the tour travels with: two pages of a web site, and the short way to each later step.

Each function below does one step as its test shows it, so that the tests of later steps can begin
where that one ended.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from services.embedder.consumer import ReviewConsumer
from services.embedder.database.snapshot_records import SnapshotRecords
from services.embedder.database.work_list import WorkList
from services.embedder.encoding import encode_reviews
from services.embedder.publishing.publisher import Publisher
from services.ingest.pages.items import to_movie, to_review
from services.ingest.pages.schema_org.extraction import extract
from shared.delivery.messages import MovieMessage, ReviewMessage
from shared.delivery.streams import Entry
from shared.snapshot.storage.store import SnapshotStore
from tests.support.embedder.encoders import HashEncoder

SOURCE, RUN_ID = "site", "run-1"
HARBOUR_URL = "https://movies.example/harbour"
# What a browser would get from the site: a page, with its data for machines as JSON-LD.
HARBOUR_PAGE = b"""<!doctype html><title>The Quiet Harbour</title>
<script type="application/ld+json">
{"@context": "https://schema.org", "@type": "Movie", "name": "The Quiet Harbour",
 "url": "https://movies.example/harbour", "datePublished": "1974", "genre": "Drama",
 "sameAs": "https://www.imdb.com/title/tt0000001/", "review": [
  {"@type": "Review", "identifier": "1", "author": "Ada",
   "reviewBody": "A fishing village in winter. Slow, kind and warm."},
  {"@type": "Review", "identifier": "2", "author": "Ben",
   "reviewBody": "Nothing happens, and I was never bored."}]}
</script>"""
CHASE_URL = "https://movies.example/chase"
CHASE_PAGE = b"""<!doctype html><title>Night Chase</title>
<script type="application/ld+json">
{"@context": "https://schema.org", "@type": "Movie", "name": "Night Chase",
 "url": "https://movies.example/chase", "datePublished": "1999", "genre": "Thriller",
 "sameAs": "https://www.imdb.com/title/tt0000002/", "review": [
  {"@type": "Review", "identifier": "3", "author": "Cem",
   "reviewBody": "Cars, rain and gunfire. It never stops for breath."}]}
</script>"""


def messages() -> list[MovieMessage | ReviewMessage]:
    """Steps 1 and 2: the pages as messages, each movie before its reviews."""
    sent: list[MovieMessage | ReviewMessage] = []
    for page, url in ((HARBOUR_PAGE, HARBOUR_URL), (CHASE_PAGE, CHASE_URL)):
        for movie in extract(page, url, SOURCE).movies:
            sent.append(MovieMessage(run_id=RUN_ID, source=SOURCE, movie=to_movie(movie.movie)))
            for item in movie.reviews:
                review = to_review(item, SOURCE)
                sent.append(ReviewMessage(run_id=RUN_ID, source=SOURCE, review=review))
    return sent


async def store(engine: Engine) -> None:
    """Steps 3 and 4: the messages in SQL, without Redis in between."""
    entries = [Entry(f"{n}-0", message.to_fields()) for n, message in enumerate(messages(), 1)]
    await ReviewConsumer(engine, on_stored=lambda changed: None).handle(entries)


def encode(engine: Engine, encoder: HashEncoder) -> None:
    """Step 5: vectors for every review of the work list."""
    work = WorkList(engine, encoder.spec.encoder_id)
    work.save(encode_reviews(encoder, work.claim(100, "tour")))


def publisher(engine: Engine, encoder: HashEncoder, folder: Path) -> Publisher:
    """A publisher of what the database holds, into the snapshot store in ``folder``."""
    return Publisher(
        SnapshotRecords(engine, encoder.spec.encoder_id),
        SnapshotStore(folder / "snapshots"),
        spec=encoder.spec,
        precision="f32",
        keep=5,
        lease_folder=folder / "leases",
    )
