"""What people write around a title, and the words that are no title inside a description. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

_KIND = r"(?:movie|film|picture|flick)"
_SURE_BEFORE = re.compile(
    rf"(?:(?:the|a|that|this|an?other)\s+)?(?:old\s+)?{_KIND}\s+"
    r"(?:(?:that\s+is\s+|which\s+is\s+)?(?:called|named|titled|entitled))\s+|"
    rf"(?:the|that|this)\s+(?:old\s+)?{_KIND}\s+|{_KIND}\s*:\s*|title\s*:?\s+"
)
_SURE_BEHIND = re.compile(rf"[\s:,–-]+the\s+{_KIND}")
_SURE_AROUND = re.compile(
    r"(?:i|we)(?:['’]d|\s+would)?\s+(?:want|like|love|need)\s+to\s+(?:re)?(?:watch|see)\s+"
    r"(?P<inner>.+)\s+again"
)
_UNSURE_BEFORE = re.compile(
    r"(?:i\s*a?['’]?m\s+)?(?:looking|searching)\s+for\s+|"
    r"(?:i|we)(?:['’]d|\s+would)?\s+(?:want|like|love|need)\s+to\s+(?:re)?(?:watch|see|find)\s+|"
    r"(?:(?:can|could|would)\s+(?:you|we|i)\s+)?(?:please\s+)?"
    r"(?:find|show|play|give)(?:\s+me)?\s+(?:the\s+)?|"
    r"(?:let['’]?s|let\s+us|where\s+(?:can|do|to)(?:\s+i)?|how\s+to)\s+(?:watch|see|find)\s+|"
    rf"(?:do\s+you\s+have|have\s+you\s+got|search|watch|see|find|{_KIND})\s+"
)
_UNSURE_BEHIND = re.compile(
    rf"\s+(?:again|tonight|please|online|trailer|full\s+movie|(?:the\s+)?original|{_KIND})"
)
_YEAR_BEHIND = re.compile(r"[\s,]+(?:(?:from|of|in)\s+)?\(?(?P<year>(?:18[89]|19\d|20\d)\d)\)?\s*$")
_FIRST_BEHIND = re.compile(r"(?P<name>.+?)[\s,:-]+(?:part\s+|number\s+|#\s*)?(?:1|one|i)")
MOST_FRAMES = 4

_FUNCTION_WORDS_TEXT = """
a about after all am an and any anyone anything are as at be been before but by can could did do
does everything for from get give go had has have he her here him his how i if in into is it its
just let like make me more most much my no not nothing now of off on one or other our out over
please she so some someone something such than that the their them then there these they this
those to too under until up us very want was watch we were what when where which while who whom
whose why will with without would you your
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS_TEXT.split())
"""Words without a topic."""

_TOPIC_WORDS_TEXT = """
action adult adventure alien aliens amazing american animal animals animated animation anime
apocalypse art awesome bad beautiful best better big biography black bollywood boring boy boys
bright brilliant british brother brothers brutal calm cartoon cat cats charming cheerful child
childhood children christmas classic clever cold comedies comedy comfort coming cop cops cozy
crazy creepy crime cry cute dance dancing dark date day days dead deep depressing detective dog
dogs drama dramas dream dreams dreamy drugs dumb dystopia easy eerie emotional end entertaining
epic exciting fall family fantastic fantasy fast father favorite fear feel feeling feelings fight
film films fire food france freedom french friend friends friendship fun funny future game games
gang gangster gentle german ghost ghosts girl girls good gore great grief gritty guy guys
halloween happiness happy hard hate heart heartwarming heat heist hero heroes high historical
history holiday home honest hope hopeful horror hot house human humor husband indian inspiring
intense italian japanese jealousy journey joy kid kids killer kind korean laugh laughs law life
light lighthearted little live living loneliness lonely long loss lost love lovely mad magic
magical man marriage married men mental mind mob modern monster monsters mother movie movies
murder music musical mystery nature new nice night nights noir nostalgia nostalgic obsession old
paranoia people perfect picture plot police politics power prison psychological quiet rain rainy
real relationship relaxing revenge road robot robots romance romantic sad scary school science
series serious sex sexy short show sick silent silly simple sister sisters slow small smart soft
space spanish spies spirit sport sports spring spy story strange stress strong stupid summer
sunday sunny superhero supernatural survival suspense sweet teen teenage teenager teens tense
terror thriller thrillers time touching trip true trust twist twists unusual uplifting vampire
vampires violence violent visual war warm wedding weird western westerns white wife wild winter
witty woman women wonderful work world year young zombie zombies
"""
_TOPIC_WORDS = frozenset(_TOPIC_WORDS_TEXT.split())


class Framed(NamedTuple):
    """A text inside a frame, as in "the movie X".

    Attributes:
        text: The text without the frame.
        is_sure: Whether the frame can only be around a title.
    """

    text: str
    is_sure: bool


def unframed(folded: str) -> list[Framed]:
    """The text without one frame, without two, and so on; nothing where it has none."""
    framed: list[Framed] = []
    text, sure = folded.strip(" \t\n.!?\"'“”„«»"), False
    for _ in range(MOST_FRAMES):
        inner, inner_is_sure = _inside(text)
        if inner is None:
            break
        text, sure = inner, sure or inner_is_sure
        framed.append(Framed(text, sure))
    return framed


def split_year(text: str) -> tuple[str, int] | None:
    """A text without the year behind it, and the year; None where there is none, or only a year."""
    ending = _YEAR_BEHIND.search(text)
    if ending is None or not text[: ending.start()].strip():
        return None
    return text[: ending.start()], int(ending["year"])


def without_first_number(text: str) -> str | None:
    """A text without the number one behind it; None where there is none, or only ordinary words."""
    numbered = _FIRST_BEHIND.fullmatch(text)
    if numbered is None or (not text.endswith("1") and is_ordinary(numbered["name"].split())):
        return None
    return numbered["name"]


def is_ordinary(words: Iterable[str]) -> bool:
    """Whether words can be meant as they are: "funny", "a love story", "the big heat"."""
    return all(word in FUNCTION_WORDS or word in _TOPIC_WORDS for word in words)


def _inside(text: str) -> tuple[str | None, bool]:
    around = _SURE_AROUND.fullmatch(text)
    if around:
        return around["inner"], True
    for before, behind, sure in (
        (_SURE_BEFORE, _SURE_BEHIND, True),
        (_UNSURE_BEFORE, _UNSURE_BEHIND, False),
    ):
        opening = before.match(text)
        if opening and opening.end() < len(text):
            return text[opening.end() :], sure
        for closing in behind.finditer(text, max(0, len(text) - 16)):
            if closing.end() == len(text) and closing.start() > 0:
                return text[: closing.start()], sure
    return None, False
