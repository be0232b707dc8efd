"""Recognises from its responses that a site blocks the crawler. Pure.

The crawl ends at once when a site refuses its first page, or ``MAX_REFUSALS`` pages in a row, or
shows a challenge for humans. The crawler solves no challenge, changes no identity and tries no
other way: the run's error says which rule applied, so that the operator can contact the site.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

MAX_REFUSALS = 5  # in a row
MAX_CHALLENGE_BYTES = 64 * 2**10

REFUSING = frozenset({401, 403, 429, 451})
_CHALLENGING = REFUSING | {202, 503}

# Headers by which protection services mark challenges and refusals.
_HEADERS: Mapping[str, re.Pattern[str]] = {
    "cf-mitigated": re.compile("challenge"),
    "x-amzn-waf-action": re.compile("challenge|captcha"),
    "x-datadome": re.compile("protected"),
}
_HEADERS_OF_REFUSALS = frozenset({"x-datadome"})  # also sent with normal pages

# Texts and names that appear on challenge pages.
_MARKERS = re.compile(
    rb"just a moment\.\.\.|checking (?:if the site connection|your browser)|attention required!"
    rb"|verify(?:ing)? (?:that )?you are (?:a )?human"
    rb"|(?:are|confirm) you(?:'re| are)? (?:not )?a robot"
    rb"|enable javascript and cookies to continue|unusual traffic from your|pardon our interruption"
    rb"|request unsuccessful\. incapsula|/_incapsula_resource|/cdn-cgi/challenge-platform"
    rb"|captcha-delivery\.com|px-captcha|awswaf(?:cookie|integration|captcha)|aws-waf-token"
    rb"|(?:g-re|h-)captcha|hcaptcha\.com|recaptcha/api\.js|cf-turnstile|challenge-form",
    re.IGNORECASE,
)
# Markup of a page with content: links or data.
_CONTENT = re.compile(
    rb"<a\s[^<>]*href|application/ld\+json|itemscope|__NEXT_DATA__|<(?:urlset|sitemapindex)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class BlockVerdict:
    """Why a response is not a page.

    Args:
        rule: The rule that applied, as a predicate whose subject is the host: ``answered ...``.
        blocked: Whether the crawl must end.
    """

    rule: str
    blocked: bool


@dataclass(slots=True)
class BlockWatch:
    """Checks the final responses of one host in their order, except for robots.txt."""

    pages: int = 0
    """Number of responses that were pages, or said that there is none."""
    in_a_row: int = 0
    """Number of refusals since the last of these."""

    def check(self, status: int, headers: Mapping[str, str], body: bytes) -> BlockVerdict | None:
        """Check a response; None for a page and for an ordinary failure.

        Args:
            status: The HTTP status.
            headers: Lower-case name to value.
            body: The decompressed body.
        """
        challenge = _challenge(status, headers, body)
        if challenge is not None:
            return BlockVerdict(f"answered with {challenge} (status {status})", blocked=True)
        refusal = _refusal(status, body)
        if refusal is None:
            if status < 400 or status in {404, 410}:
                self.pages += 1
                self.in_a_row = 0
            return None
        self.in_a_row += 1
        if self.pages == 0:
            return BlockVerdict(f"answered its first page with {refusal}", blocked=True)
        if self.in_a_row >= MAX_REFUSALS:
            rule = f"answered {self.in_a_row} pages in a row with {refusal}"
            return BlockVerdict(rule, blocked=True)
        return BlockVerdict(f"answered with {refusal}", blocked=False)


def _refusal(status: int, body: bytes) -> str | None:
    if status in REFUSING:
        return f"status {status}"
    if status == 202 and not _CONTENT.search(body):
        return "status 202 and a page without content"
    if status == 200 and not body.strip():
        return "status 200 and an empty page"
    return None


def _challenge(status: int, headers: Mapping[str, str], body: bytes) -> str | None:
    for name, pattern in _HEADERS.items():
        value = headers.get(name)
        if value is None or (name in _HEADERS_OF_REFUSALS and status not in REFUSING):
            continue
        if pattern.search(value.lower()):
            return f"a challenge page, header {name}"
    if status not in _CHALLENGING and status != 200:
        return None
    if len(body) > MAX_CHALLENGE_BYTES or _CONTENT.search(body):
        return None
    marker = _MARKERS.search(body)
    if marker is None:
        return None
    return f"a challenge page, marker {marker.group().decode('ascii', 'replace')!r}"
