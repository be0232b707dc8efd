"""Reads the text of a query: what it means, less what the query states itself.

It joins ``shared.retrieval.interpretation``, which knows texts, with the facts of a snapshot. Built
once when the snapshot is loaded; any thread may use it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from threading import Lock

from shared.retrieval.filters import FilterIndex
from shared.retrieval.interpretation.interpreter import interpret
from shared.retrieval.interpretation.lexicon import Lexicon, MovieNames, WordCount
from shared.retrieval.interpretation.parts import Correction, Interpretation
from shared.retrieval.interpretation.spelling import Speller
from shared.retrieval.query import SearchQuery
from shared.retrieval.titles.titles import Titles
from shared.retrieval.vocabulary import Vocabulary
from shared.snapshot.files.facts import CatalogueFacts
from shared.text.languages import ENGLISH

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


class QueryReader:
    """Interprets the texts of queries to one snapshot."""

    def __init__(
        self,
        facts: Sequence[CatalogueFacts],
        index: FilterIndex,
        titles: Titles,
        word_count: WordCount,
        vocabulary: Vocabulary,
        language: str = ENGLISH,
    ) -> None:
        """Build the lexicon.

        Args:
            facts: The facts of every movie, by row.
            index: The same facts, to filter by.
            titles: The titles of the movies.
            word_count: Number of movies of which a folded word is said.
            vocabulary: Words that viewers use.
            language: The catalogue's language.
        """
        names = (
            MovieNames(
                title=fact.title,
                genres=fact.genres,
                directors=fact.directors,
                people=fact.people,
                countries=fact.countries,
                languages=fact.languages,
            )
            for fact in facts
        )
        self._lexicon = Lexicon(names, titles, word_count)
        self._speller = Speller(
            vocabulary.movies, self._lexicon, names=vocabulary.names, language=language
        )
        self._language = language
        self._lock = Lock()  # the speller has a cache
        self._index = index
        self._titles = titles

    def interpreted(self, query: SearchQuery) -> SearchQuery:
        """The query with the interpretation of its text, if there is anything to interpret."""
        if query.text is None:
            return query
        with self._lock:
            typed = interpret(
                query.text, self._lexicon, self._titles, self._speller, self._language
            )
        if typed is None:
            return replace(query, is_interpreted=True)
        typed = replace(
            typed,
            filters=typed.filters.less(query.filters),
            avoid=typed.avoid if query.avoid is None else None,
            like=() if query.like else typed.like,
            titles=typed.titles if query.titles is None else (),
        )
        if typed == Interpretation(query.text):  # the query states itself all that was understood
            return query
        if not typed.text and not typed.like and self._says_nothing(typed):
            typed = replace(typed, text=_corrected(query.text, typed.corrections))
        return replace(query, interpretation=typed, is_interpreted=True)

    def _says_nothing(self, typed: Interpretation) -> bool:
        """Whether the parts leave nothing to rank by, so that the words themselves must serve.

        That is so for a title, whose words also find movies like it, and where no movie is known to
        meet a constraint: then the viewers may still have used the word.
        """
        if typed.titles:
            return True
        is_denial = typed.avoid is not None or typed.filters.genres_none
        return not is_denial and not self._index.matching(typed.filters).any()


def _corrected(text: str, corrections: Sequence[Correction]) -> str:
    words = {each.written.casefold(): each.corrected for each in corrections}
    return _WORD.sub(lambda match: words.get(match[0].casefold(), match[0]), text)
