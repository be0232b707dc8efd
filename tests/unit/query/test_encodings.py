from __future__ import annotations

import pytest

from services.query.http.encodings import accepts_gzip


@pytest.mark.parametrize(
    "accepted",
    [
        "gzip", "br, gzip", "GZIP", "gzip;q=1", "gzip;q=1.000", "gzip ; q=0.5", "x-gzip",
        "gzip;q=0.001", "*", "br, *;q=0.1", "identity;q=0.5, gzip;q=1.0",
        "identity;q=0, gzip;q=0.5", "deflate, gzip, br, zstd",
    ],
)  # fmt: skip
def test_gzip_is_accepted(accepted: str) -> None:
    assert accepts_gzip([accepted])


@pytest.mark.parametrize(
    "accepted",
    [
        "", "identity", "br", "gzip;q=0", "gzip;q=0.000", "gzip; q=0, br", "*;q=0",
        "gzip;q=0, *", "identity, gzip;q=0.5", "gzip;q=2", "gzip;q=high", "gzip;q=-1", "notgzip",
        "gzip;level=9", "br;gzip",
    ],
)  # fmt: skip
def test_gzip_is_not_accepted(accepted: str) -> None:
    assert not accepts_gzip([accepted])


def test_several_headers_are_one_list() -> None:
    assert accepts_gzip(["br", "gzip"])
    assert not accepts_gzip(["gzip;q=0", "br"])
    assert not accepts_gzip([])
