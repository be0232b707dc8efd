"""The languages that a catalogue can be in, and how its words are reduced. Pure."""

from __future__ import annotations

from typing import Final

ENGLISH: Final = "en"
SEVERAL: Final = "mul"
"""A catalogue whose reviews are in several languages: words stay whole, and none is left out."""

SNOWBALL: Final = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek",
    "eo": "esperanto", "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian",
    "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian",
    "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian", "ne": "nepali",
    "nl": "dutch", "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian",
    "ru": "russian", "sr": "serbian", "st": "sesotho", "sv": "swedish", "ta": "tamil",
    "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
"""The Snowball stemmer of each language; English has a stemmer of our own."""

PAIRED: Final = frozenset(("ja", "ko", "th", "zh"))
"""Languages without a stemmer whose words are found by pairs of characters.

Chinese, Japanese and Thai put no spaces between words. Korean does, but its words have particles
behind them that no stemmer removes.
"""

UNSTEMMED: Final = frozenset(("bg", "he", "hr", "sk", "sl", "uk", "vi", SEVERAL))
"""Languages without a stemmer: words are found as they are written, whatever their accents."""

LANGUAGES: Final = frozenset((ENGLISH, *SNOWBALL, *PAIRED, *UNSTEMMED))
"""The codes (ISO 639) that a catalogue's language may have."""


def known_language(code: str) -> str:
    """Return a code that a catalogue's language may have.

    Raises:
        ValueError: It is none.
    """
    if code not in LANGUAGES:
        raise ValueError(f"no such language; one of {', '.join(sorted(LANGUAGES))} is expected")
    return code
