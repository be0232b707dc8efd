"""Giving the movies of an earlier version their ids, killed again and again until it is done."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from services.embedder.database.engine import open_engine
from services.embedder.database.former_ids import name_movies
from tests.integration.embedder.database.test_former_ids import rows
from tests.support.counts import Counted
from tests.support.embedder.earlier_database import (
    EarlierMovie,
    EarlierReview,
    build_earlier_database,
)
from tests.support.soak import times

UPGRADE = """
import sys
from services.embedder.database import former_ids
from services.embedder.database.engine import open_engine
name_portion = former_ids._name_portion
def saying(connection, ids):
    print("portion", flush=True)
    return name_portion(connection, ids)
former_ids.PORTION, former_ids._name_portion = 1, saying
engine = open_engine(sys.argv[1])
former_ids.name_movies(engine)
"""
MOVIES = [
    EarlierMovie(str(n), ["club", "shop"] if n % 3 else ["shop"], "shop", {"title": f"Movie {n}"})
    for n in range(30)
]
REVIEWS = [
    EarlierReview(f"{source}:{movie.movie_id}", movie.movie_id, source, f"Of {source}.")
    for movie in MOVIES
    for source in movie.sources
]
TABLES = {
    "movies": ("movie_id", "title", "source"),
    "told_facts": ("movie_id", "source"),
    "reviews": ("review_id", "movie_id", "content_sha256"),
    "source_items": ("source", "item", "added_by"),
    "former_movie_ids": ("former_id", "movie_id"),
    "removed_movies": ("movie_id",),
}


def test_kills_at_random_moments(tmp_path: Path, counted: Counted) -> None:
    urls = {name: f"sqlite:///{tmp_path / name}.sqlite" for name in ("whole", "killed")}
    for url in urls.values():
        build_earlier_database(url, MOVIES, REVIEWS)
    kills = 0
    for seed in range(times(30, soak=200)):
        if _upgrade_is_killed(urls["killed"], random.Random(seed)):
            kills += 1
        else:
            break
    counted("kills while movies are renamed", kills)
    assert kills >= 3
    held = []
    for url in urls.values():
        engine = open_engine(url)
        name_movies(engine)
        assert name_movies(engine) == 0
        held.append({table: rows(engine, table, *names) for table, names in TABLES.items()})
        engine.dispose()
    assert held[0] == held[1]
    assert {movie for movie, *_ in held[0]["movies"]} >= {"shop:1", "club:1"}


def _upgrade_is_killed(url: str, chance: random.Random) -> bool:
    """Start the upgrade, and kill it in one of its next portions; False if it ended before."""
    command = [sys.executable, "-c", UPGRADE, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as upgrade:
        assert upgrade.stdout is not None
        for _ in range(chance.randint(1, 40)):
            if not upgrade.stdout.readline():
                return upgrade.wait() != 0
        time.sleep(chance.uniform(0, 0.003))  # so that it ends anywhere, also in a commit
        upgrade.kill()
        return True
