"""Text cleaning: no word lost, none glued."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.cleaning import clean_text, clip


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("plain", "plain"),
        ("  two   spaces\tand tab ", "two spaces and tab"),
        ("one<br/>two<br>three", "one\ntwo\nthree"),
        ("<p>A film.</p><p>Another.</p>", "A film.\nAnother."),
        ("un<b>believ</b>able", "unbelievable"),
        ('see <a href="http://x.example/?a=1&amp;b=2" rel=nofollow>this</a> one', "see this one"),
        ("Tom &amp; Jerry &lt;3 &quot;it&quot;", 'Tom & Jerry <3 "it"'),
        ("I <3 it, 2 < 3 > 1, <grin>", "I <3 it, 2 < 3 > 1, <grin>"),
        ("if x <a and b> c then", "if x <a and b> c then"),
        ("rock &notes and &copy2 too", "rock &notes and &copy2 too"),
        ("&lt;br /&gt;escaped&lt;br /&gt;markup", "escaped\nmarkup"),
        ("&amp;amp;quot;twice", '"twice'),
        ("don\x92t \x93quote\x94 wait\x85", "don’t “quote” wait…"),
        ("a\x00b\x07c", "a b c"),
        ("soft\u00adhyphen zero\u200bwidth \ufeffbom", "softhyphen zero width bom"),
        ("e\u0301te\u0301", "été"),
        ("lone \ud800 half", "lone half"),
        (
            "first line\nwrapped here\n\nsecond paragraph",
            "first line wrapped here\nsecond paragraph",
        ),
        ("carriage\r\nreturn\r\n\r\nnext", "carriage return\nnext"),
        ("<!-- hidden -->seen<script>var a = '<b>';</script>", "seen"),
        ("<![CDATA[ inside ]]>", "inside"),
        ("glued.Together stays", "glued.Together stays"),
        ("&#65;&#x42;&#0;&#1114112;", "AB"),
        ("<p></p> <br>", ""),
        ("family 👨‍👩‍👧 film", "family 👨‍👩‍👧 film"),
    ],
)
def test_examples(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean


_words = st.lists(
    st.text(st.characters(categories=["Lu", "Ll", "Lo", "Nd"]), min_size=1, max_size=12),
    min_size=1,
    max_size=30,
)
_gaps = st.sampled_from(
    [" ", "\n", "\t", "<br>", "<BR />", "</p><p>", "\x00", "\u200b", " <b> ", "\u2028", "&nbsp;",
     '<div class="a b">', " <!-- x --> ", "<img src='a>b'>", "\r\n\r\n"]
)  # fmt: skip


@given(words=_words, data=st.data())
def test_no_word_is_lost_and_none_is_glued(words: list[str], data: st.DataObject) -> None:
    raw = words[0]
    for word in words[1:]:
        raw += data.draw(_gaps) + word
    assert clean_text(raw).split() == [unicodedata.normalize("NFC", word) for word in words]


@given(st.text())
def test_the_result_is_storable_and_stays_as_it_is(raw: str) -> None:
    clean = clean_text(raw)
    clean.encode()
    assert "\x00" not in clean
    assert clean == clean.strip()
    assert unicodedata.is_normalized("NFC", clean)
    if "&" not in raw and "<" not in raw:
        assert clean_text(clean).split() == clean.split()


@given(st.text(), st.integers(1, 50))
def test_clip_keeps_a_prefix_within_the_limit(text: str, most: int) -> None:
    cut = clip(text, most)
    assert len(cut) <= most
    assert text.startswith(cut)


def test_clip_cuts_between_words() -> None:
    assert clip("one two three", 9) == "one two"
    assert clip("one two three", 7) == "one two"
    assert clip("unbroken" * 10, 9) == "unbrokenu"
