"""What every preset makes of files in the form of its data set; all rows are invented."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from services.ingest.pages.datasets.dataset_items import Dataset
from services.ingest.pages.items import MovieItem
from services.ingest.pages.unread import Unread
from services.ingest.sources.preset_options import presets
from services.ingest.sources.sources import DatasetSource
from services.ingest.spiders.dataset import items_of

FILES: Mapping[str, Mapping[str, str]] = {
    "movielens": {
        "movies.csv": 'movieId,title,genres\n7,"Pier, The (1988)",Drama|War\n'
        "8,Fog (2001),(no genres listed)\n",
        "links.csv": "movieId,imdbId,tmdbId\n7,0055501,11\n8,,12\n",
        "tags.csv": "userId,movieId,tag,timestamp\n1,7,harbour,1\n2,7,sea,1\n3,7,sea,2\n",
    },
    "tag-genome": {
        "metadata.json": '{"title": "Pier, The (1988)", "directedBy": "Ida Roe", '
        '"starring": "Bo Ek, Al Ott", "avgRating": 4.0, "imdbId": "0055501", "item_id": 7}\n',
        "reviews.json": '{"item_id": 7, "txt": "Salt and silence."}\n',
    },
    "tmdb-5000": {
        "tmdb_5000_movies.csv": "genres,id,keywords,original_title,overview,production_countries,"
        "release_date,runtime,spoken_languages,title,vote_average,vote_count\n"
        '"[{""id"": 1, ""name"": ""Drama""}]",11,[],Der Steg,Two on a pier.,[],1988-05-01,91.0,[],'
        "The Pier,6.5,20\n",
        "tmdb_5000_credits.csv": 'movie_id,title,cast,crew\n11,The Pier,"[{""name"": ""Bo Ek""}]",'
        '"[{""job"": ""Director"", ""name"": ""Ida Roe""}, '
        '{""job"": ""Editor"", ""name"": ""X""}]"\n',
    },
    "tmdb-reviews": {
        "movies.jsonl": '{"id": 11, "imdb_id": "tt0055501", "title": "The Pier", "release_date": '
        '"1988-05-01", "poster_path": "/p.jpg"}\n',
        "reviews_11.json": '{"id": 11, "results": [{"id": "r1", "author": "kim", "author_details": '
        '{"rating": 8}, "content": "Salt.", "created_at": "2020-02-03T01:02:03Z", "url": "u"}]}',
    },
    "imdb-tsv": {
        "title.basics.tsv.gz": "tconst\ttitleType\tprimaryTitle\toriginalTitle\tisAdult\t"
        "startYear\tendYear\truntimeMinutes\tgenres\n"
        'tt0055501\tmovie\t"Pier" it is\tDer Steg\t0\t1988\t\\N\t91\tDrama,War\n'
        "tt0055502\ttvEpisode\tNo\tNo\t0\t1988\t\\N\t91\t\\N\n",
        "title.ratings.tsv.gz": "tconst\taverageRating\tnumVotes\ntt0055501\t6.5\t20\n",
    },
    "amazon-2023": {
        "meta_Movies_and_TV.jsonl": '{"title": "The Pier [Blu-ray]", "average_rating": 4.5, '
        '"rating_number": 9, "features": ["IMDb 7.6", "1 h 31 min", "1988"], "description": [], '
        '"store": "Bo Ek (Actor), Ida Roe (Director) Format: DVD", "categories": ["Movies & TV", '
        '"Drama"], "details": {}, "parent_asin": "B01"}\n',
        "Movies_and_TV.jsonl": '{"rating": 4.0, "title": "Good", "text": "Salt.", "asin": "B0X", '
        '"parent_asin": "B01", "timestamp": 1588687728923}\n',
    },
    "imdb-spoiler": {
        "IMDB_movie_details.json": '{"movie_id": "tt0055501", "plot_summary": "Two.", "duration": '
        '"1h 31min", "genre": ["Drama"], "rating": "6.5", "release_date": "1988-05-01"}\n',
        "IMDB_reviews.json": '{"review_date": "3 February 2006", "movie_id": "tt0055501", '
        '"is_spoiler": true, "review_text": "Salt.", "rating": "8", "review_summary": "S"}\n',
    },
    "rotten-tomatoes": {
        "rotten_tomatoes_movies.csv": "rotten_tomatoes_link,movie_title,movie_info,genres,"
        "directors,actors,original_release_date,runtime,tomatometer_rating,tomatometer_count\n"
        'm/pier,The Pier,Two.,"Drama, War",Ida Roe,Bo Ek,1988-05-01,91.0,85.0,20.0\n',
        "rotten_tomatoes_critic_reviews.csv": "rotten_tomatoes_link,critic_name,review_score,"
        "review_date,review_content\nm/pier,Kim,3/4,2006-02-03,Salt.\nm/pier,Lu,B+,2006-02-04,Fog.\n"
        "m/pier,Mo,1/4,2006-02-05,\n",
    },
    "acl-imdb": {
        "train/pos/0_9.txt": "Salt.",
        "train/neg/0_2.txt": "Fog.",
        "train/unsup/0_0.txt": "Tide.",
        "train/urls_pos.txt": "http://www.imdb.com/title/tt0055501/usercomments\n",
        "train/urls_neg.txt": "http://www.imdb.com/title/tt0055502/usercomments\n",
        "train/urls_unsup.txt": "http://www.imdb.com/title/tt0055503/usercomments\n",
    },
    "letterboxd": {
        "reviews.csv": "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Review,Tags,Watched Date\n"
        "2024-02-04,The Pier,1988,https://boxd.it/ab1,4.5,,Salt.,,2024-02-03\n",
    },
}  # fmt: skip

PIER = {"title": "The Pier", "year": 1988}
EXPECTED: Mapping[str, list[dict[str, Any]]] = {
    "movielens": [
        {"movie_id": "tt0055501", **PIER, "genres": ("Drama", "War"),
         "keywords": ("sea", "harbour")},
        {"movie_id": "tmdb:12", "title": "Fog", "year": 2001},
    ],
    "tag-genome": [
        {"movie_id": "tt0055501", **PIER, "directors": ("Ida Roe",), "people": ("Bo Ek", "Al Ott"),
         "rating": 8.0},
        {"movie_id": "tt0055501", "text": "Salt and silence."},
    ],
    "tmdb-5000": [
        {"movie_id": "tmdb:11", **PIER, "original_title": "Der Steg", "genres": ("Drama",),
         "description": "Two on a pier.", "directors": ("Ida Roe",), "people": ("Bo Ek",),
         "runtime_minutes": 91, "rating": 6.5, "votes": 20},
    ],
    "tmdb-reviews": [
        {"movie_id": "tt0055501", **PIER, "poster_url": "https://image.tmdb.org/t/p/w342/p.jpg"},
        {"movie_id": "tt0055501", "text": "Salt.", "rating": 8.0, "author": "kim", "url": "u",
         "published": "2020-02-03", "external_id": "r1"},
    ],
    "imdb-tsv": [
        {"movie_id": "tt0055501", "title": '"Pier" it is', "year": 1988,
         "original_title": "Der Steg", "genres": ("Drama", "War"),
         "runtime_minutes": 91, "rating": 6.5, "votes": 20},
    ],
    "amazon-2023": [
        {"movie_id": "amazon:B01", **PIER, "genres": ("Drama",), "directors": ("Ida Roe",),
         "people": ("Bo Ek",), "runtime_minutes": 91, "rating": 9.0, "votes": 9},
        {"movie_id": "amazon:B01", "text": "Salt.", "title": "Good", "rating": 8.0,
         "published": "2020-05-05"},
    ],
    "imdb-spoiler": [
        {"movie_id": "tt0055501", "year": 1988, "description": "Two.", "genres": ("Drama",),
         "runtime_minutes": 91, "rating": 6.5},
        {"movie_id": "tt0055501", "text": "Salt.", "title": "S", "rating": 8.0, "spoiler": True,
         "published": "2006-02-03"},
    ],
    "rotten-tomatoes": [
        {**PIER, "description": "Two.", "genres": ("Drama", "War"), "directors": ("Ida Roe",),
         "people": ("Bo Ek",), "runtime_minutes": 91, "rating": 8.5, "votes": 20,
         "url": "https://www.rottentomatoes.com/m/pier"},
        {"text": "Salt.", "author": "Kim", "rating": 7.5, "published": "2006-02-03"},
        {"text": "Fog.", "author": "Lu", "rating": 8.3, "published": "2006-02-04"},
    ],
    "acl-imdb": [
        {"movie_id": "tt0055502"},
        {"movie_id": "tt0055502", "text": "Fog.", "rating": 2.0, "external_id": "train/neg/0_2"},
        {"movie_id": "tt0055501"},
        {"movie_id": "tt0055501", "text": "Salt.", "rating": 9.0, "external_id": "train/pos/0_9"},
        {"movie_id": "tt0055503"},
        {"movie_id": "tt0055503", "text": "Tide.", "external_id": "train/unsup/0_0"},
    ],
    "letterboxd": [
        {"movie_id": "title:the-pier-1988", **PIER},
        {"movie_id": "title:the-pier-1988", "text": "Salt.", "rating": 9.0, "external_id": "ab1",
         "published": "2024-02-03", "url": "https://boxd.it/ab1"},
    ],
}  # fmt: skip


def test_there_are_files_for_every_preset() -> None:
    assert set(presets()) == set(FILES) == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_preset_reads_the_files_of_its_data_set(tmp_path: Path, name: str) -> None:
    for path, content in FILES[name].items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode()
        file.write_bytes(gzip.compress(data) if path.endswith(".gz") else data)
    source = DatasetSource(name="s", spider="dataset", preset=name, folder=tmp_path)
    unread: list[Unread] = []
    found = [_said(item) for item in items_of(Dataset(source, unread.append))]
    if name == "rotten-tomatoes":  # whose ids are hashes
        assert len({item.pop("movie_id") for item in found}) == 1
    assert found == EXPECTED[name]
    assert unread == []


def _said(item: Any) -> dict[str, Any]:
    assert isinstance(item, MovieItem) or item.text
    values = {name: getattr(item, name) for name in type(item).__dataclass_fields__}
    return {name: value for name, value in values.items() if value not in (None, ())}
