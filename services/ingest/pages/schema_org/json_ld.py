"""Reads a page's JSON-LD as plain nodes: parses the scripts, resolves contexts and prefixes. Pure.

Parsing tolerates the mistakes that sites make in JSON (``parse_lenient_json``; a test compares it
with extruct's parser). Wrappers for ancient browsers (CDATA, HTML comments) are removed, and a
script that was escaped as HTML is unescaped. A script that is still not JSON is listed as unread.

Only the ``@context`` in the page itself is used: nothing is fetched, and a context that is a URL is
assumed to be schema.org's. Keys and types are converted to schema.org's names, whatever prefix or
alias the page uses; the ``@language`` of a context is added to the texts below it.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import lxml.html

MAX_NODES = 20_000  # objects, arrays and plain values of a page; more than any normal page has
MAX_TERMS = 200  # of a context; each context below it copies them

Node = dict[str, Any]

_JSONLD = "application/ld+json"
_CDATA = re.compile(r"(?:(?://|/\*)\s*+)?(?:<!\[CDATA\[|\]\]>)(?:\s*+\*/)?")
_HTML_COMMENT = re.compile(r"\A\s*<!--.*-->")
# A string or comment without an end reaches to the end of the text: so matching is linear.
_STRING = r'"(?:[^"\\]|\\.?)*+(?:"|\Z)'
_STRING_OR_COMMENT = re.compile(rf"({_STRING})|//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_STRING_OR_TRAILING_COMMA = re.compile(rf"({_STRING})|,(?=\s*+[\]}}])", re.DOTALL)
_SCHEMA = re.compile(r"(?:https?://(?:www\.)?schema\.org/|schema:)", re.IGNORECASE)
_KEYWORDS = {"@value", "@language", "@id", "@type"}
_BETWEEN = " \t\r\n\f\v;,"
_DECODER = json.JSONDecoder(strict=False)


def read_json_ld(tree: lxml.html.HtmlElement) -> tuple[list[Any], list[tuple[str, str]]]:
    """Read the JSON-LD scripts of a page.

    Returns:
        The blocks with resolved names; and for each script that could not be read, the reason and
        what stands at the place.
    """
    blocks: list[Any] = []
    unread: list[tuple[str, str]] = []
    for script in tree.iter("script"):
        if (script.get("type") or "").split(";")[0].strip().lower() != _JSONLD:
            continue
        text = _CDATA.sub("", script.text or "").strip()
        try:
            blocks.extend(_read_script(text))
        except (ValueError, RecursionError) as error:
            unread.append((f"JSON-LD cannot be read: {_reason(error)}", _place(text, error)))
    return blocks, unread


def nodes_of(blocks: list[Any]) -> tuple[list[Node], bool]:
    """Every object in the blocks, outermost first; not recursive, since pages may nest deeply.

    Returns:
        The objects among the first ``MAX_NODES`` values, and whether those are all of them.
    """
    nodes: list[Node] = []
    waiting = blocks[::-1]
    seen = 0
    while waiting and seen < MAX_NODES:
        value = waiting.pop()
        seen += 1
        if isinstance(value, dict):
            nodes.append(value)
            waiting.extend(reversed(list(value.values())))
        elif isinstance(value, list):
            waiting.extend(reversed(value))
    return nodes, not waiting


def _read_script(text: str) -> list[Any]:
    """The blocks of a script with resolved names.

    Raises:
        ValueError: it is not JSON.
        RecursionError: it is nested too deeply.
    """
    try:
        return _resolved(parse_lenient_json(text))
    except ValueError:
        if "&quot;" not in text:
            raise
        return _resolved(parse_lenient_json(html.unescape(text)))


def _resolved(data: Any) -> list[Any]:
    blocks = data if isinstance(data, list) else [data]
    return [_Names().resolve(block) for block in blocks if block]


def parse_lenient_json(text: str) -> Any:
    """Parse JSON with the mistakes that sites make.

    These are comments, trailing commas, raw control characters in strings, semicolons, several
    values one after the other, and JSON that is written as a string of JSON.

    Returns:
        An array or an object, several values as an array; None for any other value.

    Raises:
        ValueError: it is not JSON.
        RecursionError: it is nested too deeply.
    """
    try:
        data = json.loads(text, strict=False)
    except ValueError:
        plain = _STRING_OR_COMMENT.sub(_only_string, _HTML_COMMENT.sub("", text))
        values = list(_values(_STRING_OR_TRAILING_COMMA.sub(_only_string, plain)))
        data = values[0] if len(values) == 1 else values
    if isinstance(data, str):  # JSON in JSON, or only a text
        with suppress(ValueError):
            data = json.loads(data, strict=False)
    return data if isinstance(data, (list, dict)) else None


def _values(text: str) -> Iterator[Any]:
    """The values of a text that may have several, with semicolons or commas between them.

    Raises:
        ValueError: it has none, or something else.
    """
    at = len(text) - len(text.lstrip(_BETWEEN))
    if at == len(text):
        raise json.JSONDecodeError("Expecting value", text, 0)
    while at < len(text):
        value, end = _DECODER.raw_decode(text, at)
        yield value
        at = end
        while at < len(text) and text[at] in _BETWEEN:
            at += 1


def _only_string(match: re.Match[str]) -> str:
    return match.group(1) or ""


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def _place(text: str, error: Exception) -> str:
    at = error.pos if isinstance(error, json.JSONDecodeError) else 0
    return " ".join(text[max(0, at - 30) : at + 50].split())


@dataclass(frozen=True, slots=True)
class _Names:
    """The names of a context: terms to schema.org names, and the language of the texts."""

    terms: Mapping[str, str] | None = None
    language: str | None = None

    def resolve(self, value: Any) -> Any:
        """``value`` with schema.org names for its keys and types, at every depth."""
        if isinstance(value, list):
            return [self.resolve(part) for part in value]
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
        return value if name in _KEYWORDS else self._with_language(self.resolve(value))

    def _within(self, context: Any) -> _Names:
        names = self
        for part in context if isinstance(context, list) else [context]:
            if not isinstance(part, dict):
                continue
            terms = dict(names.terms or {})
            for term, meaning in part.items():
                iri = meaning.get("@id") if isinstance(meaning, dict) else meaning
                if len(terms) >= MAX_TERMS:
                    break
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
            return f"@{key}"  # aliases in schema.org's context
        return _SCHEMA.sub("", key, count=1)

    def _types(self, types: Any) -> Any:
        if isinstance(types, list):
            return [self._name(part) for part in types if isinstance(part, str)]
        return self._name(types) if isinstance(types, str) else types

    def _with_language(self, value: Any) -> Any:
        if self.language is None:
            return value
        if isinstance(value, list):
            return [self._with_language(part) for part in value]
        if isinstance(value, str):
            return {"@value": value, "@language": self.language}
        return value
