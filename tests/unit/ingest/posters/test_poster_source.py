"""From which hosts posters may be fetched, and how the reports of hosts are joined."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.ingest.posters.poster_sites import merged_sites
from services.ingest.posters.poster_source import PosterSource
from services.ingest.sources.sources import DatasetSource, ImdbSource, SchemaOrgSource, TmdbSource
from services.ingest.visits.visits import fingerprint_of
from shared.runs.run_record import Site


def site(**fields: Any) -> SchemaOrgSource:
    return SchemaOrgSource(
        name="site", spider="schema_org", start_urls=("https://films.example/",), **fields
    )


def tmdb(**fields: Any) -> TmdbSource:
    return TmdbSource(name="tmdb", spider="tmdb", key_file=Path("key"), tmdb_ids=(1,), **fields)


def test_only_tmdb_has_posters_unless_the_operator_says_so() -> None:
    imdb = ImdbSource(name="imdb", spider="imdb")
    files = DatasetSource(name="files", spider="dataset", movies=Path("movies.csv"))
    assert [source.posters for source in (site(), imdb, files, tmdb())] == [False] * 3 + [True]


def test_hosts() -> None:
    assert site().image_hosts == {"films.example"}
    named = ("Images.Example", "images.example:8080")
    assert site(poster_hosts=named).image_hosts == {
        "films.example", "images.example", "images.example:8080"
    }  # fmt: skip
    assert tmdb().image_hosts == {"image.tmdb.org"}
    assert tmdb(image_url="http://127.0.0.1:1/x", poster_hosts=("a.example",)).image_hosts == {
        "127.0.0.1:1", "a.example"
    }  # fmt: skip


def test_files_need_hosts() -> None:
    with pytest.raises(ValidationError, match="posters needs poster_hosts"):
        DatasetSource(name="files", spider="dataset", movies=Path("m.csv"), posters=True)


@pytest.mark.parametrize(
    "host", ["", "https://a.example", "a.example/x", "user@a.example", "a.example:port", ":80"]
)
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(ValidationError):
        site(poster_hosts=(host,))


def test_the_limits_are_the_sources() -> None:
    source = site(delay_s=3.0, allow_private=True, max_bytes=5_000, poster_hosts=("a.example",))
    posters = PosterSource.of(source)
    assert (posters.delay_s, posters.allow_private, posters.max_bytes) == (3.0, True, 5_000)
    assert posters.hosts == {"films.example", "a.example"}
    files = DatasetSource(
        name="files", spider="dataset", movies=Path("m.csv"), posters=True, poster_hosts=("b.ex",)
    )
    assert (PosterSource.of(files).allow_private, PosterSource.of(files).delay_s) == (False, 1.0)


def test_an_upgrade_reads_no_page_again() -> None:
    """The fingerprint of a source without posters is that of the version without the option."""
    assert "poster" not in fingerprint_of(site(poster_hosts=("a.example",)))
    assert fingerprint_of(site(posters=True)) != fingerprint_of(site())


def test_reports_of_hosts_are_joined() -> None:
    crawled = {
        "a": Site(robots="obeyed", crawl_delay_s=2.0, delay_s=2.0, requests=5, received_bytes=10),
        "b": Site(requests=1),
    }
    pictures = {
        "a": Site(
            robots="obeyed", delay_s=1.0, requests=2, failed=1, received_bytes=5
        ).model_dump(),
        "c": Site(robots="unreachable", requests=1).model_dump(),
    }
    assert merged_sites(crawled, pictures) == {
        "a": Site(
            robots="obeyed", crawl_delay_s=2.0, delay_s=2.0, requests=7, failed=1, received_bytes=15
        ),
        "b": Site(requests=1),
        "c": Site(robots="unreachable", requests=1),
    }
