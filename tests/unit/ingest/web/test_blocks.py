"""Which answers say that a site does not want us, and which do not."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from services.ingest.web.blocks import MAX_CHALLENGE_BYTES, MAX_REFUSALS, BlockVerdict, BlockWatch
from tests.support.crawl.hostile_site import index, movie_page

PAGE = movie_page(1).encode()
CHALLENGE = b"<html><head><title>Just a moment...</title></head><body></body></html>"


def _look(
    watch: BlockWatch, status: int, body: bytes = b"", headers: Mapping[str, str] = {}
) -> BlockVerdict | None:
    return watch.check(status, headers, body)


def _well() -> BlockWatch:
    watch = BlockWatch()
    assert _look(watch, 200, PAGE) is None
    return watch


@pytest.mark.parametrize("status", [401, 403, 429, 451])
def test_a_refusal_of_the_first_page_is_a_block(status: int) -> None:
    verdict = _look(BlockWatch(), status, b"no")
    assert verdict is not None
    assert verdict.blocked
    assert f"first page with status {status}" in verdict.rule


def test_a_failure_before_it_is_no_answer() -> None:
    watch = BlockWatch()
    assert _look(watch, 500) is None
    verdict = _look(watch, 403)
    assert verdict is not None
    assert verdict.blocked


@pytest.mark.parametrize(("status", "body"), [(403, b"no"), (202, b""), (200, b" \n"), (429, b"")])
def test_later_ones_are_a_block_when_they_come_in_a_row(status: int, body: bytes) -> None:
    watch = _well()
    for _ in range(2):
        for _ in range(MAX_REFUSALS - 1):
            verdict = _look(watch, status, body)
            assert verdict is not None
            assert not verdict.blocked
        assert _look(watch, 200, PAGE) is None
    for n in range(MAX_REFUSALS):
        verdict = _look(watch, status, body)
        assert verdict is not None
        assert verdict.blocked == (n == MAX_REFUSALS - 1)


@pytest.mark.parametrize("status", [304, 404, 410])
def test_a_missing_or_unchanged_page_is_an_answer(status: int) -> None:
    watch = BlockWatch()
    assert _look(watch, status) is None
    verdict = _look(watch, 403)
    assert verdict is not None
    assert not verdict.blocked


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, CHALLENGE), (403, CHALLENGE), (503, CHALLENGE), (202, CHALLENGE),
        (200, b"<script src='/_Incapsula_Resource?x'></script>"),
        (200, b"<p>Please verify you are a human</p><div class=px-captcha></div>"),
        (403, b"<script src=https://ct.captcha-delivery.com/c.js></script>"),
        (200, b"<form><div class=g-recaptcha></div></form>"),
        (202, b"<script>AwsWafIntegration.saveReferrer()</script>"),
    ],
)  # fmt: skip
def test_a_challenge_is_a_block_at_once(status: int, body: bytes) -> None:
    verdict = _look(_well(), status, body)
    assert verdict is not None
    assert verdict.blocked
    assert "challenge page, marker" in verdict.rule


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (403, {"cf-mitigated": "challenge"}), (202, {"x-amzn-waf-action": "challenge"}),
        (405, {"x-amzn-waf-action": "captcha"}), (403, {"x-datadome": "protected"}),
    ],
)  # fmt: skip
def test_a_service_that_says_it_challenges_is_believed(
    status: int, headers: Mapping[str, str]
) -> None:
    verdict = _look(_well(), status, index("/a").encode(), headers)
    assert verdict is not None
    assert verdict.blocked
    assert next(iter(headers)) in verdict.rule


@pytest.mark.parametrize(
    "body",
    [
        PAGE.replace(b"quiet", b"verify you are human, unusual traffic from your robot"),
        index("/a").encode() + b"<div class=g-recaptcha></div>",
        b"<urlset><url><loc>https://a/just a moment...</loc></url></urlset>",
        CHALLENGE + b"x" * MAX_CHALLENGE_BYTES,
        b"<html><body>A page that says little.</body></html>",
    ],
    ids=["words in a review", "a form beside links", "a sitemap", "a long page", "a poor page"],
)
def test_a_page_is_not_taken_for_a_challenge(body: bytes) -> None:
    assert _look(BlockWatch(), 200, body) is None


def test_protection_that_lets_us_in_is_no_block() -> None:
    assert _look(BlockWatch(), 200, PAGE, {"x-datadome": "protected"}) is None


def test_an_accepted_page_with_content_is_a_page() -> None:
    assert _look(BlockWatch(), 202, PAGE) is None
