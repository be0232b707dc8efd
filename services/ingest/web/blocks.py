"""When a site does not want us: the rules, by what it answers. Pure.

A site that refuses its first page, or ``MAX_REFUSALS`` pages in a row, or shows a challenge made
for people, is left alone at once. Nothing is solved, no identity is changed, nothing is tried in
another way: the run says which rule it was, and the operator talks to the site.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

MAX_REFUSALS = 5  # in a row
MAX_CHALLENGE_BYTES = 64 * 2**10

REFUSING = frozenset({401, 403, 429, 451})
_CHALLENGING = REFUSING | {202, 503}

# Headers with which protection services say it themselves.
_HEADERS: Mapping[str, re.Pattern[str]] = {
    "cf-mitigated": re.compile("challenge"),
    "x-amzn-waf-action": re.compile("challenge|captcha"),
    "x-datadome": re.compile("protected"),
}
_HEADERS_OF_REFUSALS = frozenset({"x-datadome"})  # on good pages too

# Words and names of a page that is a challenge and nothing else.
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
# What a page has that says something: somewhere to go, or data.
_CONTENT = re.compile(
    rb"<a\s[^>]*href|application/ld\+json|itemscope|__NEXT_DATA__|<(?:urlset|sitemapindex)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer is when it is not a page. ``rule`` follows the host's name: it "…".

    ``blocked``: the crawl is to stop.
    """

    rule: str
    blocked: bool


@dataclass(slots=True)
class BlockWatch:
    """Looks at all final answers of one host, robots.txt apart, in their order."""

    answers: int = 0
    in_a_row: int = 0

    def look(self, status: int, headers: Mapping[str, str], body: bytes) -> Verdict | None:
        """Judge an answer; None for one that is a page, or a plain failure.

        Args:
            status: The HTTP status.
            headers: By lower-case name.
            body: Uncompressed.
        """
        challenge = _challenge(status, headers, body)
        if challenge is not None:
            return Verdict(f"answered {challenge} (status {status})", blocked=True)
        what = _no_page(status, body)
        if what is None:
            if status < 400 or status in {404, 410}:
                self.answers += 1
                self.in_a_row = 0
            return None
        self.in_a_row += 1
        if self.answers == 0:
            return Verdict(f"answered its first page with {what}", blocked=True)
        if self.in_a_row >= MAX_REFUSALS:
            return Verdict(f"answered {self.in_a_row} pages in a row with {what}", blocked=True)
        return Verdict(f"answered with {what}", blocked=False)


def _no_page(status: int, body: bytes) -> str | None:
    if status in REFUSING:
        return f"status {status}"
    if status == 202 and not _CONTENT.search(body):
        return "status 202 and a page without content"
    if status == 200 and not body.strip():
        return "status 200 and an empty page"
    return None


def _challenge(status: int, headers: Mapping[str, str], body: bytes) -> str | None:
    for name, pattern in _HEADERS.items():
        said = headers.get(name)
        if said is None or (name in _HEADERS_OF_REFUSALS and status not in REFUSING):
            continue
        if pattern.search(said.lower()):
            return f"a challenge page, header {name}"
    if status not in _CHALLENGING and status != 200:
        return None
    if len(body) > MAX_CHALLENGE_BYTES or _CONTENT.search(body):
        return None
    marker = _MARKERS.search(body)
    if marker is None:
        return None
    return f"a challenge page, marker {marker.group().decode('ascii', 'replace')!r}"
