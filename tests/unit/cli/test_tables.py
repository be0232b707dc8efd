from __future__ import annotations

import pytest

from services.cli.api import plain, segment
from services.cli.tables import print_table, short_duration, short_size, short_time


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [(None, None), (0, "0 B"), (999, "999 B"), (1000, "1 kB"), (12_501_433, "12.5 MB"),
     (2_500_000_000, "2.5 GB"), (31_000_000_000_000, "31000.0 GB")],
)  # fmt: skip
def test_sizes(size_bytes: int | None, shown: str | None) -> None:
    assert short_size(size_bytes) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, None), (0.04, "0.0 s"), (119.96, "120.0 s"), (120, "2 min"), (7199, "120 min"),
     (7200, "2.0 h"), (86_400, "24.0 h")],
)  # fmt: skip
def test_durations(seconds: float | None, shown: str | None) -> None:
    assert short_duration(seconds) == shown


def test_times() -> None:
    assert short_time("2025-06-01T12:00:31.654Z") == "2025-06-01 12:00:31"
    assert short_time(None) is None


def test_untrusted_text_stays_on_one_line() -> None:
    assert plain("a\r\n\tb\x1b[2Jc\x9b31m\u2028é\x7f") == "a b [2Jc 31m é "
    assert plain("a\u202eb\u2066c\u200fd") == "abcd"


def test_an_id_stays_one_segment_of_a_path() -> None:
    assert segment("20250601T120000-1f0c9a4b") == "20250601T120000-1f0c9a4b"
    assert segment("a/../b?c#d é") == "a%2F..%2Fb%3Fc%23d%20%C3%A9"


def test_a_row_stays_one_line_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name", "text"), [("one", "word " * 60), (None, "[bold]x[/bold]")])
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["name", "text"]
    assert first.count("word") == 60
    assert second.split() == ["-", "[bold]x[/bold]"]
