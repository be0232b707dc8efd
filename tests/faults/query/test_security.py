"""Access to the admin API, contents of logs and responses, and code that is never run."""

from __future__ import annotations

import hmac
import json
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

from services.embedder.model.conversion import (
    BUNDLED_MODEL,
    ensure_artefact,
    find_model,
    load_torch_model,
)
from services.embedder.model.model_files import ModelInvalid
from services.query.http.security_headers import SECURITY_HEADERS
from services.query.http.token_throttle import BURST, EVERY_S
from tests.support.counts import Counted
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_process import TOKEN, QueryProcess, publish, query_child
from tests.support.query.query_service import always, query_settings, running_query
from tests.support.query.raw_http import SECRET, Answer, answer, head, post, problem_in, query_json

SNAPSHOTS = "/admin/snapshots"  # works without Redis
RIGHT = f"Authorization: Bearer {TOKEN}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    publish(tmp_path)
    return tmp_path


@pytest.fixture
def query(folder: Path) -> Iterator[QueryProcess]:
    with query_child(folder, ADMIN_TOKEN=TOKEN) as running:
        yield running


def ask(query: QueryProcess, *headers: str, target: str = SNAPSHOTS) -> Answer:
    return answer(query.raw(head("GET", target, *headers)))


def test_wrong_tokens_are_bounded_and_never_lock_out_the_right_one(
    query: QueryProcess, counted: Counted
) -> None:
    began = time.monotonic()
    for number in range(BURST):
        wrong = ask(query, f"Authorization: Bearer {SECRET}{number}")
        assert problem_in(wrong, 401).code == "unauthorized"
    looked_at = 0
    for number in range(50):
        wrong = ask(query, f"Authorization: Bearer {SECRET}{number}")
        problem = problem_in(wrong, 429, 401)
        if problem.status == 429:
            assert problem.code == "wrong-tokens"
        looked_at += problem.status == 401
        assert ask(query, RIGHT).status == 200  # from the same address, as behind one proxy
    # One more token every few seconds, on a slow machine too.
    assert looked_at <= (time.monotonic() - began) / EVERY_S
    assert looked_at < 50
    assert problem_in(ask(query), 401).code == "unauthorized"  # a missing token is not a guess
    with socket.create_connection(("127.0.0.1", query.port), source_address=("127.0.0.9", 0)) as c:
        c.sendall(head("GET", SNAPSHOTS, f"Authorization: Bearer {SECRET}"))
        assert c.recv(12) == b"HTTP/1.1 401"
    assert query.answers("/search?q=boxer")
    query.stop()
    log = query.log.read_text()
    lines = [line for line in map(json.loads, log.splitlines()) if "wrong" in line["event"]]
    assert [line["client"] for line in lines] == ["127.0.0.1"]
    assert SECRET not in log
    assert TOKEN not in log
    counted("wrong tokens", BURST + 51)


async def test_every_token_is_compared_in_constant_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[bytes] = []
    compare_digest = hmac.compare_digest

    def compare(given: bytes, expected: bytes) -> bool:
        assert expected == TOKEN.encode()
        compared.append(given)
        return compare_digest(given, expected)

    monkeypatch.setattr("services.query.api.admin.admin_route.hmac.compare_digest", compare)
    settings = query_settings(tmp_path, admin_token=TOKEN)
    schemes = {"Bearer": 200, "bearer": 200, "Basic": 401, "Token": 401}
    async with running_query(settings, always(HashEncoder())) as query:
        for scheme, status in schemes.items():
            for token in (TOKEN, TOKEN[:-1], TOKEN[:-1] + "x", "x"):
                headers = {"Authorization": f"{scheme} {token}"}
                response = await query.client.get(SNAPSHOTS, headers=headers)
                assert response.status_code == (status if token == TOKEN else 401)
                assert compared.pop() == token.encode()  # for every scheme and length
                assert not compared


HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07", "\r\nINFO forged line", "\x00\x08\x7f\x9b", "\u202eetirw", "\u2028x",
    "{{7*7}}${jndi:ldap://x}", "%s%n%x", "'; DROP TABLE movies; --", "explode",
)  # fmt: skip


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_query_no_secret_and_no_control_byte_reaches_the_log(
    folder: Path, log_format: str, counted: Counted
) -> None:
    asked = 0
    with query_child(folder, ADMIN_TOKEN=TOKEN, LOG_LEVEL="debug", LOG_FORMAT=log_format) as query:
        for text in HOSTILE:
            hostile = f"{SECRET}{text}"
            for request in (
                post(query_json(hostile)),
                post(query_json("a", **{hostile: hostile})),
                post(query_json("a", mode=hostile, like=[hostile])),
                post(hostile.encode()),
                head("GET", f"/search?q={httpx.QueryParams(q=hostile)}"),
                head("GET", f"/movies/{httpx.QueryParams({'': hostile})}"),
                head("GET", "/livez", f"X-Request-ID: {SECRET}\x1b[2J", f"User-Agent: {SECRET}"),
                head("GET", SNAPSHOTS, f"Authorization: Bearer {SECRET}"),
                head("GET", f"{SNAPSHOTS}/{SECRET}", RIGHT),
                hostile.encode() + b"\r\n\r\n",
            ):
                assert SECRET.encode() not in query.raw(request)
                asked += 1
        failed = answer(query.raw(post(query_json(f"{SECRET} explode"))))
        assert problem_in(failed, 500).code == "internal-error"
        assert query.stop() == 0
        log = query.log.read_bytes().decode()
    assert "request failed" in log  # the log names the failure and its place,
    assert "RuntimeError" in log
    assert "query_child.py" in log
    assert SECRET not in log  # and nothing of the request
    assert TOKEN not in log
    assert not [char for char in log if not char.isprintable() and char != "\n"]
    if log_format == "json":
        assert all(json.loads(line)["service"] == "query" for line in log.splitlines())
    counted("hostile requests", asked)


def test_every_answer_has_the_security_headers(query: QueryProcess) -> None:
    page = httpx.get(query.base)
    assets = re.findall(
        r'(?:src|href)="(/[^"]+)"', page.text + httpx.get(f"{query.base}/docs").text
    )
    paths = ["/", "/docs", "/explore", "/admin", "/movie/x", "/openapi.json", "/livez", "/metrics",
             "/search?q=a", "/search?q=", "/map", "/nothing", SNAPSHOTS, *assets]  # fmt: skip
    for path in paths:
        for headers in ({}, {"If-None-Match": page.headers["etag"]}):
            response = httpx.get(query.base + path, headers=headers)
            for name, value in SECURITY_HEADERS.items():
                assert response.headers[name] == value, (path, name)
            assert "server" not in response.headers
            assert "access-control-allow-origin" not in response.headers
    policy = SECURITY_HEADERS["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "*" not in policy


class Inline(HTMLParser):
    """Collects inline code, which the policy would block, and sources on other sites."""

    def __init__(self) -> None:
        super().__init__()
        self.violations: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "style" or (tag == "script" and not given.get("src")):
            self.violations.append(tag)
        self.violations += [name for name in given if name.startswith("on") or name == "style"]
        sources = [given.get(name) or "" for name in ("src", "href") if tag != "a"]
        self.violations += [source for source in sources if "//" in source]


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_the_pages_need_nothing_that_the_policy_forbids(query: QueryProcess, path: str) -> None:
    inline = Inline()
    inline.feed(httpx.get(query.base + path).text)
    assert inline.violations == []


CANARY = "import pathlib\npathlib.Path({path!r}).touch()\nclass Transformer: pass\n"


@pytest.mark.encoder
@pytest.mark.filterwarnings("ignore::FutureWarning:transformers")
@pytest.mark.parametrize("kind", ["pickle", "pickle beside", "module", "auto_map"])
def test_no_code_of_a_model_is_run(tmp_path: Path, kind: str) -> None:
    """Other files in a model's folder: the model is refused, or read without them."""
    model, touched = tmp_path / "model", tmp_path / "touched"
    shutil.copytree(find_model(BUNDLED_MODEL), model)
    code = CANARY.format(path=str(touched))
    pickled = b"cbuiltins\nexec\n(V" + code.encode("unicode_escape") + b"\ntR."
    config = json.loads((model / "config.json").read_text())
    modules = json.loads((model / "modules.json").read_text())
    if kind == "pickle":
        (model / "model.safetensors").unlink()
    if kind.startswith("pickle"):
        (model / "pytorch_model.bin").write_bytes(pickled)
    elif kind == "module":
        (model / "owned.py").write_text(code)
        modules[0]["type"] = "owned.Transformer"
    else:
        (model / "owned.py").write_text(code)
        classes = ("AutoConfig", "AutoModel", "AutoTokenizer")
        config |= {"model_type": "owned", "auto_map": dict.fromkeys(classes, "owned.Transformer")}
    (model / "config.json").write_text(json.dumps(config))
    (model / "modules.json").write_text(json.dumps(modules))
    store = tmp_path / "store"
    loads: list[Callable[[], object]] = [
        lambda: load_torch_model(str(model)),
        lambda: ensure_artefact(store, model=str(model), passage_tokens=64),
    ]
    if kind == "pickle beside":
        load_torch_model(str(model))
    else:
        for load in loads:
            with pytest.raises((ModelInvalid, ValueError, ImportError)):
                load()
        assert not list(store.glob("encoders/*"))
    assert not touched.exists()
