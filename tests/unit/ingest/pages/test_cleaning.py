"""Text cleaning: no word lost, none glued."""

from __future__ import annotations

import html
import re
import unicodedata
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.pages.cleaning import clean_text, clip


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
        ("a<scr\u00adipt>alert(1)</scr\u00adipt>b", "a b"),
        ("a<scr&shy;ipt>alert(1)</scr&shy;ipt>b", "a b"),
        ("a<\u2060s\u200ecript>alert(1)</script\ufeff>b", "a b"),
        ("e\u0301te\u0301", "été"),
        ("lone \ud800 half", "lone half"),
        (
            "first line\nwrapped here\n\nsecond paragraph",
            "first line wrapped here\nsecond paragraph",
        ),
        ("carriage\r\nreturn\r\n\r\nnext", "carriage return\nnext"),
        ("<!-- hidden -->seen<script>var a = '<b>';</script>", "seen"),
        ("<![CDATA[ inside ]]>", "inside"),
        ("glued.Together no more", "glued. Together no more"),
        ("&#65;&#x42;&#0;&#1114112;", "AB"),
        ("<p></p> <br>", ""),
        ("family 👨‍👩‍👧 film", "family 👨‍👩‍👧 film"),
    ],
)
def test_examples(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("a great film.The end", "a great film. The end"),
        ("so bad!Why?!Because of him.I left", "so bad! Why?! Because of him. I left"),
        ('said "no."Then he left (early.)She did', 'said "no." Then he left (early.) She did'),
        ("the end.“Fin” it said.A film.", "the end. “Fin” it said. A film."),
        ("c’était bien.Élégant!", "c’était bien. Élégant!"),
        ("twice.The<br>same.The", "twice. The\nsame. The"),
    ],
)  # fmt: skip
def test_glued_sentences_get_their_space_back(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean


@pytest.mark.parametrize(
    "text",
    [
        "see https://a.example/the.End?x=some.Thing or www.Example.Com",
        "write to ada.Lovelace@mail.Example or visit Amazon.Co.Uk and IMDb.Com, IMDb.Org.",
        "rated 3.5 of 5.0, cost $1.99.5",
        "the U.S.Army, E.T.A., e.g.The Ph.D. and M.A.S.H.",
        "wait...What? and then..Nothing",
        "will.I.am sang, the file was called readme.html",
        "no capital.follows here",
        "WALL.E and a.B",
    ],
)
def test_what_only_looks_glued_is_left_alone(text: str) -> None:
    assert clean_text(text) == text


_plain = st.text(
    st.characters(categories=["Lu", "Ll", "Lt", "Lo", "Nd", "Nl", "Po", "Pd", "Ps", "Pe", "Zs"],
                  exclude_characters="&<")
    | st.sampled_from(" .!?\"'()aAbBzZ\n"),
    max_size=200,
)  # fmt: skip


@given(_plain)
def test_no_letter_of_a_plain_text_is_lost_moved_or_made(raw: str) -> None:
    def letters(text: str) -> list[str]:
        return re.findall(r"\w", unicodedata.normalize("NFC", text))

    assert letters(clean_text(raw)) == letters(raw)


@given(_plain)
def test_no_word_of_a_plain_text_is_cut_and_no_two_are_joined(raw: str) -> None:
    def words(text: str) -> list[str]:
        return re.findall(r"\w+", unicodedata.normalize("NFC", text))

    assert words(clean_text(raw)) == words(raw)


@pytest.mark.data
def test_no_word_of_a_real_review_is_lost(real_data: Path) -> None:
    texts: list[str] = []
    for name, column, step in (("imdb500", "user_review", 1), ("imdb75k", "text", 10)):
        table = pq.read_table(real_data / name / "reviews.parquet", columns=[column])
        texts += table[column].to_pylist()[::step]
    changed = [text for text in texts if _real_words(text) != re.findall(r"\w+", clean_text(text))]
    glued = re.compile(r"(?<=[a-z]{2})[.!?](?=[A-Z][a-z])")
    before = sum(len(glued.findall(text)) for text in texts)
    left = sum(len(glued.findall(clean_text(text))) for text in texts)
    print(f"{len(texts)} reviews, {len(changed)} with other words; {before} glued, {left} left")
    assert changed == []
    assert left * 100 < before  # and those are addresses


def _real_words(text: str) -> list[str]:
    """The words of a review as its HTML means them, by another way than ours."""
    without = re.sub(r"<br\s*/?>", " ", text)
    without = re.sub(r"</?(?:i|b|em|strong|u)>", "", without)
    invisible = dict.fromkeys([0xAD, 0x2060, 0xFEFF])
    return re.findall(r"\w+", html.unescape(without).translate(invisible))


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


@pytest.mark.parametrize("invisible", ["\u00ad", "\u2060", "\ufeff", "&shy;"])
def test_what_is_invisible_hides_no_markup(invisible: str) -> None:
    name = f"scr{invisible}ipt"
    assert clean_text(f"One <{name}>alert(1)</{name}> two.") == "One two."
