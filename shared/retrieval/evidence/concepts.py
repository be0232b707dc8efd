"""Words that people use for one another when they say how a movie feels. Pure.

Who asks for something scary is denied it by "nothing frightening about it", and who avoids gore
does not want to be told of blood. General English; words of other languages are in no concept.
"""

from __future__ import annotations

from collections.abc import Iterable

from shared.retrieval.evidence.families import family

_CONCEPTS = (
    ("funny", "fun", "humor", "humour", "humorous", "hilarious", "comedy", "comedic", "comic",
     "amusing", "laugh", "laughter", "joke", "witty", "wit"),
    ("scary", "scare", "scared", "frightening", "frightened", "fright", "terrifying",
     "terrified", "terror", "horror", "creepy", "spooky", "chilling", "fear"),
    ("sad", "sadness", "sorrow", "tearjerker", "cry", "crying", "tears", "weep", "heartbreaking",
     "tragic", "melancholy"),
    ("relaxing", "calm", "calming", "soothing", "peaceful", "restful"),
    ("romance", "romantic"),
    ("violence", "violent", "gore", "gory", "blood", "bloody", "bloodshed", "bloodbath",
     "brutal", "brutality", "splatter", "guts"),
    ("tense", "tension", "suspense", "suspenseful", "thrilling", "thrill", "gripping",
     "exciting", "excitement"),
    ("uplifting", "inspiring", "inspirational", "heartwarming", "hopeful", "hope"),
    ("clever", "smart", "intelligent", "intelligence", "brainy"),
    ("stupid", "dumb", "silly", "idiotic", "moronic", "inane"),
    ("sexy", "sensual", "erotic", "sex", "sexual", "nudity"),
    ("surprising", "surprise", "twist", "unexpected", "unpredictable"),
    ("sugary", "sentimental", "sentimentality", "saccharine", "sappy", "mawkish", "schmaltzy",
     "schmaltz"),
    ("heavy", "depressing", "bleak", "grim"),
    ("weird", "strange", "bizarre", "odd", "surreal"),
    ("warm", "tender", "cozy", "cosy"),
    ("beautiful", "gorgeous", "stunning"),
    ("deep", "profound", "thoughtful"),
    ("sing", "singing", "song", "songs", "musical"),
)  # fmt: skip
_CONCEPT_OF: dict[str, frozenset[str]] = {}
for _words in _CONCEPTS:
    _families = frozenset(map(family, _words))
    for _family in _families:
        _CONCEPT_OF[_family] = _CONCEPT_OF.get(_family, frozenset()) | _families


def widened(families: Iterable[str]) -> frozenset[str]:
    """The families together with those that are used for them."""
    wide: set[str] = set()
    for each in families:
        wide |= _CONCEPT_OF.get(each, frozenset((each,)))
    return frozenset(wide)
