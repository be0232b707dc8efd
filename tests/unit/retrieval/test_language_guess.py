"""In which language a typed text is: sure answers, or none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.text.language_guess import language_of, other_language
from shared.text.languages import LANGUAGES

SURE = {
    "ar": ["فيلم حزين عن الصداقة في المدينة"],
    "cs": ["smutný film o přátelství bez šťastného konce"],
    "da": ["en film om venskab og kærlighed uden slut"],
    "de": ["ein trauriger Film ohne Happy End", "etwas Lustiges für die ganze Familie"],
    "el": ["μια ταινία για την αγάπη"],
    "en": ["a sad movie about friendship", "something funny for the whole family, without blood"],
    "es": ["una película de terror sin sangre", "algo triste sobre la amistad"],
    "fi": ["surullinen elokuva joka on kaunis"],
    "fr": ["un film triste sur l'amitié", "je cherche une comédie pour ce soir"],
    "hu": ["egy szomorú film a barátságról és az életről"],
    "it": ["un film triste sull'amicizia", "la vita è bella"],
    "ja": ["静かな映画"],
    "ko": ["우정에 관한 슬픈 영화"],
    "nl": ["een film over vriendschap en de oorlog"],
    "no": ["en trist film om vennskap som ikke er for lang, men også morsom, jeg vil le mye"],
    "pl": ["smutny film o przyjaźni bez szczęśliwego zakończenia"],
    "pt": ["um filme triste sobre amizade", "quero algo engraçado para a família"],
    "ru": ["грустный фильм про дружбу и любовь"],
    "sv": ["en film om vänskap och kärlek som inte är rolig"],
    "th": ["ภาพยนตร์ที่ดี"],
    "tr": ["arkadaşlık hakkında çok hüzünlü bir film"],
}
UNSURE = [
    "", "...", "1999", "drama", "triste", "película triste", "film noir", "la la land", "das boot",
    "die hard", "die hard in a war", "man on fire", "la dolce vita", "los otros", "robert de niro",
    "robert de niro in a war film", "o brother where art thou", "no country for old men",
    "something like la la land but sadder", "something like Amélie but sadder", "in bruges",
    "van helsing", "to die for", "penelope cruz and javier bardem", "黒澤明", "a de la",
    "civil war, women, rape, mercenary, war", "boys go crazy, and dads go nuts", "👻",
    "do or die", "90s thriller", "relaxing and funny", "pain", "main", "car", "no", "die",
    "me and you",
]  # fmt: skip


@pytest.mark.parametrize(
    ("language", "text"), [(language, text) for language in SURE for text in SURE[language]]
)
def test_a_whole_text_shows_its_language(language: str, text: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize("text", UNSURE)
def test_what_is_not_sure_is_not_said(text: str) -> None:
    assert language_of(text) in {None, "en"}


def test_another_language_is_one_that_is_not_the_catalogues() -> None:
    text = "una película de terror sin sangre"
    assert other_language(text, "en") == "es"
    assert other_language(text, "es") is None
    assert other_language(text, "mul") is None
    assert other_language("triste", "en") is None
    assert other_language(None, "en") is None


@given(st.text(max_size=500))
def test_any_text_has_a_language_or_none(text: str) -> None:
    assert language_of(text) in LANGUAGES | {None}
