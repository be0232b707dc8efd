"""A page's JSON-LD as plain nodes: scripts to JSON, contexts and prefixes resolved. Pure.

extruct reads the scripts, with all that sites do to JSON: raw line breaks in strings, comments,
commas too many. Before it, wrappings that were meant for browsers long gone are taken off (CDATA,
HTML comments), and a script that was escaped as HTML is unescaped. A script that is no JSON even
then is counted and costs only itself.

Of ``@context`` only what a page itself says is used: nothing is fetched, and a context that is a
URL is taken for schema.org's. Keys and types come out as schema.org's own names, whatever prefix
or alias the page gives them; a context's ``@language`` is put on the texts below it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import lxml.html
from extruct.jsonld import JsonLdExtractor

MAX_NODES = 20_000  # of one page; no honest page has as many

Node = dict[str, Any]

_JSONLD = "application/ld+json"
_CDATA = re.compile(r"(?://|/\*)?\s*(?:<!\[CDATA\[|\]\]>)\s*(?:\*/)?")
_SCHEMA = re.compile(r"(?:https?://(?:www\.)?schema\.org/|schema:)", re.IGNORECASE)
_WORDS_OF_JSON_LD = {"@value", "@language", "@id", "@type"}


def read_json_ld(tree: lxml.html.HtmlElement) -> tuple[list[Any], int]:
    """The JSON of a page's scripts, names resolved, and how many scripts could not be read."""
    blocks: list[Any] = []
    bad = 0
    for script in tree.iter("script"):
        if (script.get("type") or "").split(";")[0].strip().lower() != _JSONLD:
            continue
        text = _CDATA.sub("", script.text or "").strip()
        found = _read(text)
        if found is None and "&quot;" in text:
            found = _read(html.unescape(text))
        if found is None:
            bad += 1
        else:
            blocks.extend(found)
    return blocks, bad


def nodes_of(blocks: list[Any]) -> Iterator[Node]:
    """Every object in the blocks, outermost first; a loop, because pages nest as they like."""
    waiting = blocks[::-1]
    seen = 0
    while waiting and seen < MAX_NODES:
        value = waiting.pop()
        seen += 1
        if isinstance(value, dict):
            yield value
            waiting.extend(reversed(list(value.values())))
        elif isinstance(value, list):
            waiting.extend(reversed(value))


def _read(text: str) -> list[Any] | None:
    script = lxml.html.Element("script", type=_JSONLD)
    try:
        script.text = text
        return [_Names().of(block) for block in JsonLdExtractor().extract_items(script)]
    except (ValueError, RecursionError):
        return None


@dataclass(frozen=True, slots=True)
class _Names:
    """What a context says: a schema.org name for each of its terms, and the texts' language."""

    terms: Mapping[str, str] | None = None
    language: str | None = None

    def of(self, value: Any) -> Any:
        """``value`` with schema.org's names for its keys and types, at every depth."""
        if isinstance(value, list):
            return [self.of(part) for part in value]
        if not isinstance(value, dict):
            return value
        names = self._within(value.get("@context"))
        node: Node = {}
        for key, inner in value.items():
            name = names._name(key)
            if name == "@context":
                continue
            node.setdefault(name, names._value(name, inner))
        return node

    def _value(self, name: str, value: Any) -> Any:
        if name == "@type":
            return self._types(value)
        return value if name in _WORDS_OF_JSON_LD else self._spoken(self.of(value))

    def _within(self, context: Any) -> _Names:
        names = self
        for part in context if isinstance(context, list) else [context]:
            if not isinstance(part, dict):
                continue
            terms = dict(names.terms or {})
            for term, meaning in part.items():
                iri = meaning.get("@id") if isinstance(meaning, dict) else meaning
                if isinstance(iri, str) and not term.startswith("@"):
                    terms[term] = iri
            language = part.get("@language", names.language)
            names = replace(
                names, terms=terms, language=language if isinstance(language, str) else None
            )
        return names

    def _name(self, key: str) -> str:
        terms = self.terms or {}
        prefix, colon, rest = key.partition(":")
        if key in terms:
            key = terms[key]
            prefix, colon, rest = key.partition(":")
        if colon and prefix in terms and not rest.startswith("//"):
            key = terms[prefix] + rest
        if key in {"type", "id"}:
            return f"@{key}"  # as schema.org's own context has it
        return _SCHEMA.sub("", key, count=1)

    def _types(self, types: Any) -> Any:
        if isinstance(types, list):
            return [self._name(part) for part in types if isinstance(part, str)]
        return self._name(types) if isinstance(types, str) else types

    def _spoken(self, value: Any) -> Any:
        if self.language is None:
            return value
        if isinstance(value, list):
            return [self._spoken(part) for part in value]
        if isinstance(value, str):
            return {"@value": value, "@language": self.language}
        return value
